#include "library/signals.hpp"

#include <csignal>
#include <mutex>

namespace holdfast::library {
namespace {

struct Previous {
  std::mutex mutex;
  int borrowers = 0;
  struct sigaction child {};
  struct sigaction pipe {};
};

Previous& previous() {
  static Previous k_previous;
  return k_previous;
}

bool has_handler(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

void set(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

BorrowedSignals::BorrowedSignals() {
  auto& saved = previous();
  const std::lock_guard lock(saved.mutex);
  if (saved.borrowers++ > 0) return;
  ::sigaction(SIGCHLD, nullptr, &saved.child);
  ::sigaction(SIGPIPE, nullptr, &saved.pipe);
  // When SIGCHLD is ignored, children leave no exit status, waitpid(2).
  set(SIGCHLD, SIG_DFL);
  if (!has_handler(saved.pipe)) set(SIGPIPE, SIG_IGN);
}

BorrowedSignals::~BorrowedSignals() {
  auto& saved = previous();
  const std::lock_guard lock(saved.mutex);
  if (--saved.borrowers > 0) return;
  ::sigaction(SIGPIPE, &saved.pipe, nullptr);
  ::sigaction(SIGCHLD, &saved.child, nullptr);
  if (has_handler(saved.child)) ::raise(SIGCHLD);
}

}  // namespace holdfast::library
