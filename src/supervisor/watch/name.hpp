// Watches where the names of a route lead, while logins fail at the machine that answers there: a bastion that moved to
// another address is tried as soon as its name follows.
#pragma once

#include "core/failure.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// True for a failure that another machine behind the same name can end.
[[nodiscard]] bool depends_on_address(const Diagnosis& why) noexcept;

/// Without numeric addresses, each once.
[[nodiscard]] std::vector<std::string> names_of(const std::vector<std::string>& hosts);

/// The addresses in the output of `getent ahosts`, sorted, each once: name servers rotate them.
[[nodiscard]] std::vector<std::string> parse_addresses(const std::string& output);

class NameWatch {
 public:
  /// `names` is called once after start(). `on_change` is called after each change, and again until note_attempt().
  /// Changes of five lookups in ten minutes count: some name servers answer each request with other addresses.
  NameWatch(boost::asio::io_context& context, std::function<std::vector<std::string>()> names,
            std::function<void()> on_change);
  ~NameWatch();
  NameWatch(const NameWatch&) = delete;
  NameWatch& operator=(const NameWatch&) = delete;

  /// Idempotent. Looks the names up every 3 s at first, and every 60 s after an hour.
  void start();
  void stop();
  /// A login begins: it uses the present addresses.
  void note_attempt();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
