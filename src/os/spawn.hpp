// Starts a program in a child process, without Asio: threads and forked queries may do so at the same time. Asio's
// handler of SIGCHLD writes to a pipe that every forked process shares, so that one would read the other's signals.
// Private to os.
#pragma once

#include "os/host.hpp"

#include <sys/types.h>

#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::os {

/// Held from the creation of a pipe for a child until the child's ends are closed here. A process that another thread
/// forks in between would inherit them and keep them open: O_CLOEXEC has no effect without exec. A forked process that
/// goes on without exec unlocks its copy.
[[nodiscard]] std::unique_lock<std::mutex> lock_forks();

/// What a child does before exec.
struct ChildSetup {
  bool own_session = false;
  bool ends_with_us = false;    ///< gets SIGTERM when we end for any reason (prctl(2), PR_SET_PDEATHSIG)
  bool killed_with_us = false;  ///< gets SIGKILL then

  /// Sets default signal dispositions and an empty mask (an ssh that inherits an ignored SIGTERM ignores it too), and
  /// marks every descriptor above 2 close-on-exec.
  void apply() const noexcept;
};

/// Owns an environment in the form of execve(2).
class EnvironmentBlock {
 public:
  explicit EnvironmentBlock(const Environment& environment);
  [[nodiscard]] const char* const* data() const noexcept { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<const char*> pointers_;
};

struct SpawnOptions {
  std::array<int, 3> streams{-1, -1, -1};  ///< descriptors for stdin, stdout and stderr; -1: /dev/null
  ChildSetup setup = {};
  const char* directory = nullptr;  ///< the working directory; nullptr: ours
};

/// Starts `command`, whose input is ignored, and returns the pid; the caller reaps it. Call it under lock_forks(). An
/// Error, and no process, when the program cannot be run.
[[nodiscard]] Result<pid_t> spawn(const Command& command, const SpawnOptions& options);

/// The path of the command's program. An Error when it does not exist or is not executable.
[[nodiscard]] Result<fs::path> resolve_program(const Command& command);

/// Converts a waitpid(2) status to 0..255, or 128 + signal.
[[nodiscard]] int exit_code_of(int wait_status) noexcept;

}  // namespace holdfast::os
