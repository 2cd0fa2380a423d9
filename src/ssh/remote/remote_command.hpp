// Runs a command on the bastion over the control socket of a running ssh, with limits of time and output.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace holdfast::ssh {

/// Ends a command early in an order that the master survives: OpenSSH up to 8.8 exits when its client disconnects while
/// it still has output to write. So our end of the output closes first, then the caller gets the answer, and the client
/// is killed only if it still runs after 1 s.
class RemoteCommand {
 public:
  struct Answer {
    std::string output;  ///< stdout, 64 KiB at most
    bool ended = false;  ///< false after a timeout or too much output
  };
  using OnAnswer = std::function<void(Answer)>;

  explicit RemoteCommand(boost::asio::io_context& context);
  /// Ends a running command as end() does and blocks until its client has exited, 1 s at most.
  ~RemoteCommand();
  RemoteCommand(const RemoteCommand&) = delete;
  RemoteCommand& operator=(const RemoteCommand&) = delete;

  /// `command`: an ssh that is a client of a control socket. Calls `on_answer` once, later. Requires !runs().
  [[nodiscard]] Result<> start(const os::Command& command, std::chrono::milliseconds timeout, OnAnswer on_answer);
  /// Ends the command early, without an answer.
  void end();
  /// True until the client has exited, also after end().
  [[nodiscard]] bool runs() const noexcept;

 private:
  struct Impl;
  boost::asio::io_context& context_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::ssh
