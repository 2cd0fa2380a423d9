// Helpers for starting child processes with Boost.Process v2. Private to os, because the headers are large.
#pragma once

#include "os/host.hpp"

#include <boost/asio/detail/throw_error.hpp>  // which Process v2 1.81 uses and does not include

#include <boost/process/v2/process.hpp>
#include <boost/process/v2/start_dir.hpp>
#include <boost/process/v2/stdio.hpp>

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace holdfast::os {

/// Marks every descriptor above 2 close-on-exec. Process v2 relies on close_range(2), and does not notice that older
/// kernels (4.18 in RHEL 8) lack it.
void close_descriptors_at_exec() noexcept;

/// An initializer for Process v2. In the child, before exec, it sets default signal dispositions and an empty mask (an
/// ssh that inherits an ignored SIGTERM ignores it too), and optionally starts a session.
struct ChildHygiene {
  bool own_session = false;
  bool ends_with_us = false;    ///< gets SIGTERM when we end for any reason (prctl(2), PR_SET_PDEATHSIG)
  bool killed_with_us = false;  ///< gets SIGKILL then

  template <class Launcher, class Path>
  boost::system::error_code on_exec_setup(Launcher&, const Path&, const char* const*(&)) {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    if (own_session) ::setsid();
    if (ends_with_us) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (killed_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_descriptors_at_exec();
    return {};
  }
  /// Process v2 1.81 calls exit() here, which would flush the parent's stdio buffers again.
  template <class... Anything>
  void on_exec_error(Anything&&...) {
    ::_exit(127);
  }
};

/// Owns an environment in the form of execve(2), for the launcher's `env`.
class EnvironmentBlock {
 public:
  explicit EnvironmentBlock(const Environment& environment) {
    entries_.reserve(environment.size());
    for (const auto& [name, value] : environment) {
      std::string& entry = entries_.emplace_back(name);
      entry.append("=").append(value);
    }
    for (const auto& entry : entries_) pointers_.push_back(entry.c_str());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] const char* const* data() const noexcept { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<const char*> pointers_;
};

/// Reaps the zombie that Process v2 1.81 leaves when a start fails after fork.
void reap_failed_start(int pid) noexcept;

/// The arguments after argv[0], which Process v2 takes separately.
[[nodiscard]] inline std::vector<std::string> tail(const std::vector<std::string>& argv) {
  return {argv.begin() + (argv.empty() ? 0 : 1), argv.end()};
}

/// Converts a waitpid(2) status to 0..255, or 128 + signal.
[[nodiscard]] int exit_code_of(int wait_status) noexcept;

/// The path of the command's program. An Error when it does not exist or is not executable.
[[nodiscard]] Result<fs::path> resolve_program(const Command& command);

}  // namespace holdfast::os
