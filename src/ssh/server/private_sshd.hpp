// Runs one user's own sshd on loopback, and starts it again when it ends.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "ssh/server/sshd_config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace holdfast::ssh {

class PrivateSshd {
 public:
  /// `program` is absolute. `files.config` makes it listen on `port`. `log` gets a line when it ends.
  PrivateSshd(boost::asio::io_context& context, os::Host& host, fs::path program, SshdFiles files, std::uint16_t port,
              std::function<void(std::string_view)> log);
  ~PrivateSshd();  ///< calls end()
  PrivateSshd(const PrivateSshd&) = delete;
  PrivateSshd& operator=(const PrivateSshd&) = delete;

  /// Starts it, and waits at most `timeout` until it accepts connections. It gets SIGTERM when this process ends. From
  /// then on it is started again on the same port within a second of its end.
  void start(std::chrono::milliseconds timeout);

  /// Ends it and the sessions that it has opened. Waits 2 s at most.
  void end();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::ssh
