#include "os/first_process.hpp"

#include "os/launch.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace holdfast::os {
namespace {

constexpr std::array k_passed_on{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
constexpr time_t k_grace_seconds = 2;

/// Reaps all that have ended. Returns the exit status of `child` when that is among them, else -1.
int reap(pid_t child) {
  int exit_code = -1;
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
    if (pid == child) exit_code = exit_code_of(status);
  return exit_code;
}

int serve(pid_t child, const sigset_t& signals) {
  for (;;) {
    int number = 0;
    if (::sigwait(&signals, &number) != 0) continue;
    if (number != SIGCHLD) {
      ::kill(child, number);
      continue;
    }
    if (const int exit_code = reap(child); exit_code >= 0) return exit_code;
  }
}

/// The kernel kills the rest when this process ends.
void end_others(const sigset_t& signals) {
  ::kill(-1, SIGTERM);
  const timespec grace{k_grace_seconds, 0};
  for (;;) {
    (void)reap(-1);
    if (::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) return;
    if (::sigtimedwait(&signals, nullptr, &grace) < 0 && errno == EAGAIN) return;
  }
}

}  // namespace

void serve_as_first_process() {
  if (::getpid() != 1) return;
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (const int number : k_passed_on) sigaddset(&signals, number);
  // Blocked: the kernel drops a signal to pid 1 that has no handler and is not blocked.
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t child = ::fork();
  if (child <= 0) {  // without a child this process does the work itself
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return;
  }
  const int exit_code = serve(child, signals);
  end_others(signals);
  ::_exit(exit_code);
}

}  // namespace holdfast::os
