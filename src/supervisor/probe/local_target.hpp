// Does the target on this side accept a connection?
#pragma once

#include "core/forward.hpp"
#include "core/tunnel.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// True when ssh has to ask a resolver for a target of the tunnel.
[[nodiscard]] bool has_name_as_target(const Tunnel& tunnel);

class LocalTarget {
 public:
  explicit LocalTarget(boost::asio::io_context& context);
  ~LocalTarget();
  LocalTarget(const LocalTarget&) = delete;
  LocalTarget& operator=(const LocalTarget&) = delete;

  /// `on_answer(true)` when it accepts within a second, by any of the addresses that "localhost" stands for. A name is
  /// taken to answer: a static program has no resolver, ssh has, and a dead target closes the channel at once.
  void connect(const End& target, std::function<void(bool)> on_answer);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
