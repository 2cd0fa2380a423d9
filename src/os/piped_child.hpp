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
  /// mask, and no descriptor above 2. stdin is `command.input`, which write_input() passes, or /dev/null. With
  /// `killed_with_us` it gets SIGKILL when we end.
  [[nodiscard]] static Result<PipedChild> start(const Command& command, bool killed_with_us = false);

  PipedChild(PipedChild&& other) noexcept;
  PipedChild& operator=(PipedChild&&) = delete;
  PipedChild(const PipedChild&) = delete;
  PipedChild& operator=(const PipedChild&) = delete;
  ~PipedChild();  ///< does not kill the child

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// For poll(2) with POLLIN; -1 after the end of the stream.
  [[nodiscard]] int descriptor(Stream stream) const noexcept { return pipes_[stream]; }
  /// For poll(2) with POLLOUT; -1 once the child has all input, or has closed it.
  [[nodiscard]] int input_descriptor() const noexcept { return input_pipe_; }
  /// Writes what the pipe takes now; does not block. SIGPIPE must be ignored.
  void write_input();
  /// Reads what the pipe contains now; does not block.
  [[nodiscard]] std::string read(Stream stream);
  /// The exit code, or 128 + signal, once the child has ended; reaps it.
  [[nodiscard]] std::optional<int> exit_code();
  void signal(int signal_number) noexcept;  ///< does nothing after the exit

 private:
  PipedChild(pid_t pid, std::array<int, 2> pipes) : pid_(pid), pipes_(pipes) {}

  pid_t pid_;
  std::array<int, 2> pipes_;
  int input_pipe_ = -1;
  std::string input_;
  std::optional<int> exit_code_;
};

}  // namespace holdfast::os
