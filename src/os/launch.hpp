// How a process of ours is started with Boost.Process v2: hygiene in the child. Private to os; heavy.
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

/// Marks every descriptor above 2 to be closed by exec. Process v2 closes them too, but by close_range(2) alone, whose
/// absence (RHEL 8's 4.18) it does not notice.
void close_descriptors_at_exec() noexcept;

/// An initializer for Process v2. In the child, before exec: default signal dispositions and an empty mask (an ssh that
/// inherits an ignored SIGTERM ignores it), and a session of its own if asked.
struct ChildHygiene {
  bool own_session = false;
  bool ends_with_us = false;  ///< SIGTERM when we end, however that comes (prctl(2), PR_SET_PDEATHSIG)

  template <class Launcher, class Path>
  boost::system::error_code on_exec_setup(Launcher&, const Path&, const char* const*(&)) {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    if (own_session) ::setsid();
    if (ends_with_us) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    close_descriptors_at_exec();
    return {};
  }
  /// Process v2 1.81 would call exit() here, which flushes the parent's stdio a second time.
  template <class... Anything>
  void on_exec_error(Anything&&...) {
    ::_exit(127);
  }
};

/// argv and envp as execve(2) wants them, kept alive; set as the launcher's environment.
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

/// A start that failed after fork leaves a zombie behind in Process v2 1.81: it is reaped here.
void reap_failed_start(int pid) noexcept;

/// The arguments after argv[0], as Process v2 takes them.
[[nodiscard]] inline std::vector<std::string> tail(const std::vector<std::string>& argv) {
  return {argv.begin() + (argv.empty() ? 0 : 1), argv.end()};
}

/// 0..255, or 128 + signal, of a waitpid(2) status.
[[nodiscard]] int exit_code_of(int wait_status) noexcept;

/// Where the program of `command` is, or the Error that says it is not there or cannot be executed.
[[nodiscard]] Result<fs::path> resolve_program(const Command& command);

}  // namespace holdfast::os
