// Uses the signals of the host process only during a call.
#pragma once

namespace holdfast::library {

/// While one exists, SIGPIPE is ignored unless the process has a handler for it, and SIGCHLD has its default action, as
/// Process v2 needs. The last one in any thread restores what the first one found, then calls a handler for SIGCHLD
/// once: it may have missed a child of the process.
class BorrowedSignals {
 public:
  BorrowedSignals();
  ~BorrowedSignals();
  BorrowedSignals(const BorrowedSignals&) = delete;
  BorrowedSignals& operator=(const BorrowedSignals&) = delete;
};

}  // namespace holdfast::library
