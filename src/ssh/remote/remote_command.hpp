// A command on the bastion over the control socket of a running ssh: what it prints, within limits of size and time.
// Heavy (Asio).
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

/// A command that ends early ends in an order that the master survives: OpenSSH up to 8.8 exits when the connection of
/// its client closes while it still has output to write. So our end of the output closes first, then the caller gets
/// the answer, and the client is killed only when it still runs after 1 s.
class RemoteCommand {
 public:
  struct Answer {
    std::string output;  ///< the beginning of stdout
    bool ended = false;  ///< false: the time was up, or the output too long
  };
  using OnAnswer = std::function<void(Answer)>;

  explicit RemoteCommand(boost::asio::io_context& context);
  /// Ends a command early, as end() does, and blocks until its client is gone, 1 s at most.
  ~RemoteCommand();
  RemoteCommand(const RemoteCommand&) = delete;
  RemoteCommand& operator=(const RemoteCommand&) = delete;

  /// `command`: an ssh that is a client of a control socket. `on_answer` is called once, later. Only while !runs().
  [[nodiscard]] Result<> start(const os::Command& command, std::chrono::milliseconds timeout, OnAnswer on_answer);
  /// Ends the command early, without an answer.
  void end();
  /// A client whose command was ended early runs until it is gone.
  [[nodiscard]] bool runs() const noexcept;

 private:
  struct Impl;
  boost::asio::io_context& context_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::ssh
