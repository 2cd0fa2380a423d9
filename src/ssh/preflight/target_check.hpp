// Checks whether the target of a forward accepts connections. Heavy (Asio): private to preflight.
#pragma once

#include "core/forward.hpp"
#include "os/socket_addresses.hpp"
#include "ssh/mux/banner_reader.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace holdfast::ssh {

struct TargetResult {
  enum class Kind {
    under_way,
    banner,      ///< an ssh server; `detail` is its software, "OpenSSH_9.2p1"
    open,        ///< it accepts connections and sends no ssh banner
    closed,      ///< it accepts connections and closes them at once
    down,        ///< it accepts no connections; `detail` is the reason
    unresolved,  ///< a host name, which only ssh resolves: not checked
  } kind = Kind::under_way;
  std::string detail = {};
  std::chrono::microseconds took{0};
};

/// Connects once, on the context, and reads for 0.5 s. "localhost" is 127.0.0.1, then ::1, as for ssh.
class TargetCheck {
 public:
  TargetCheck(boost::asio::io_context& context, const End& target);
  TargetCheck(const TargetCheck&) = delete;
  TargetCheck& operator=(const TargetCheck&) = delete;

  [[nodiscard]] const TargetResult& result() const noexcept { return result_; }
  [[nodiscard]] bool done() const noexcept { return result_.kind != TargetResult::Kind::under_way; }

 private:
  using Protocol = boost::asio::generic::stream_protocol;

  void try_next();
  void listen();
  void on_deadline();
  void finish(TargetResult::Kind kind, std::string detail = {});

  std::vector<os::SocketAddress> remaining_;
  Protocol::socket socket_;
  boost::asio::steady_timer timer_;
  TargetResult result_;
  std::chrono::steady_clock::time_point start_;
  BannerReader banner_;
  std::string connect_error_;
  std::array<char, 512> chunk_{};
  bool connected_ = false;
};

}  // namespace holdfast::ssh
