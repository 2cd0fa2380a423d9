// A child process whose output is read through pipes while it runs, for a caller with its own poll(2) loop.
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

  /// Starts it with setsid(2), so that it has no terminal to prompt on, default signal dispositions, an empty signal
  /// mask, /dev/null as stdin, and no descriptor above 2. Ignores `command.input`.
  [[nodiscard]] static Result<PipedChild> start(const Command& command);

  PipedChild(PipedChild&& other) noexcept;
  PipedChild& operator=(PipedChild&&) = delete;
  PipedChild(const PipedChild&) = delete;
  PipedChild& operator=(const PipedChild&) = delete;
  ~PipedChild();  ///< does not kill the child

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// For poll(2) with POLLIN; -1 after the end of the stream.
  [[nodiscard]] int descriptor(Stream stream) const noexcept { return pipes_[stream]; }
  /// Reads what the pipe contains now; does not block.
  [[nodiscard]] std::string read(Stream stream);
  /// The exit code, or 128 + signal, once the child has ended; reaps it. Call it after SIGCHLD, and once after each
  /// start(): while starting, Process v2 has a SIGCHLD handler, and a signal pending when it removes that is lost.
  [[nodiscard]] std::optional<int> exit_code();
  void signal(int signal_number) noexcept;  ///< does nothing after the exit

 private:
  PipedChild(pid_t pid, std::array<int, 2> pipes) : pid_(pid), pipes_(pipes) {}

  pid_t pid_;
  std::array<int, 2> pipes_;
  std::optional<int> exit_code_;
};

}  // namespace holdfast::os
