// A guest's manners in somebody else's process: its signals are ours only while we work.
#pragma once

namespace holdfast::library {

/// While one of these lives SIGPIPE is ignored, unless the process has a handler for it, and SIGCHLD is at its default,
/// for Process v2 to handle; the last one that ends, in whatever thread, puts back what the first one found. A handler
/// for SIGCHLD is called once then: it may have missed a child of its own.
class BorrowedSignals {
 public:
  BorrowedSignals();
  ~BorrowedSignals();
  BorrowedSignals(const BorrowedSignals&) = delete;
  BorrowedSignals& operator=(const BorrowedSignals&) = delete;
};

}  // namespace holdfast::library
