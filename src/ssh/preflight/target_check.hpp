// Does what a forward leads to answer on this side? Heavy (Asio): only preflight includes it.
#pragma once

#include "core/forward.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace holdfast::ssh {

struct TargetAnswer {
  enum class Kind {
    under_way,
    banner,   ///< an sshd: `words` is its software, "OpenSSH_9.2p1"
    open,     ///< it takes connections, and waits to be spoken to
    closed,   ///< it takes connections and closes them at once
    down,     ///< nothing answers there: `words` says how
    unnamed,  ///< given by a name, which this program cannot resolve (ssh does): not looked at
  } kind = Kind::under_way;
  std::string words = {};
  std::chrono::microseconds took{0};
};

/// Connects once, on the context, and listens for a moment; "localhost" is 127.0.0.1, else ::1, as for ssh.
class TargetCheck {
 public:
  TargetCheck(boost::asio::io_context& context, const End& target);
  TargetCheck(const TargetCheck&) = delete;
  TargetCheck& operator=(const TargetCheck&) = delete;

  [[nodiscard]] const TargetAnswer& answer() const noexcept { return answer_; }
  [[nodiscard]] bool over() const noexcept { return answer_.kind != TargetAnswer::Kind::under_way; }

 private:
  using Protocol = boost::asio::generic::stream_protocol;

  void try_next();
  void listen();
  void on_deadline();
  void finish(TargetAnswer::Kind kind, std::string words = {});

  std::vector<Protocol::endpoint> left_;
  Protocol::socket socket_;
  boost::asio::steady_timer timer_;
  TargetAnswer answer_;
  std::chrono::steady_clock::time_point start_;
  std::string heard_;
  std::string why_down_;
  std::array<char, 512> chunk_{};
  bool connected_ = false;
};

}  // namespace holdfast::ssh
