// A child process whose words are read while it runs, by whoever polls: for a loop that serves others meanwhile.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace holdfast::os {

class PipedChild {
 public:
  enum Stream : std::size_t { out, err };

  /// Starts it: setsid(2), so that nothing it runs finds a terminal to ask on; default signal dispositions, empty mask,
  /// stdin /dev/null, descriptors above 2 closed. `command.input` is not for it.
  [[nodiscard]] static Result<PipedChild> start(const Command& command);

  PipedChild(PipedChild&& other) noexcept;
  PipedChild& operator=(PipedChild&&) = delete;
  PipedChild(const PipedChild&) = delete;
  PipedChild& operator=(const PipedChild&) = delete;
  ~PipedChild();  ///< forgets the child; never kills it

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// To poll for POLLIN; -1 once it has been read to its end.
  [[nodiscard]] int descriptor(Stream stream) const noexcept { return pipes_[stream]; }
  /// What stands in the pipe now; never waits.
  [[nodiscard]] std::string read(Stream stream);
  /// Exit code, or 128 + signal, once it has ended; reaps it. A SIGCHLD tells when to look; look once after each
  /// start() too: Process v2 has a handler meanwhile, and the kernel drops a pending SIGCHLD when it takes that back.
  [[nodiscard]] std::optional<int> exit_code();
  void signal(int signal_number) noexcept;  ///< nothing when it has ended

 private:
  PipedChild(pid_t pid, std::array<int, 2> pipes) : pid_(pid), pipes_(pipes) {}

  pid_t pid_;
  std::array<int, 2> pipes_;
  std::optional<int> exit_code_;
};

}  // namespace holdfast::os
