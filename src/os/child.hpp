// A child process in its own session, with files instead of pipes, so that it can outlive us. An io_context reports its
// exit.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::os {

struct ChildSpec {
  Command command;
  fs::path out;  ///< appended to, created 0600; /dev/null when empty
  fs::path err;
  bool ends_with_us = false;  ///< gets SIGTERM when we end; otherwise a successor can adopt it
  int out_descriptor = -1;    ///< used instead of `out`; remains owned by the caller
};

class Child {
 public:
  /// Called once, from the io_context, with the exit code, or 128 + signal.
  using OnExit = std::function<void(int exit_code)>;

  /// Starts it with setsid(2), default signal dispositions, an empty signal mask, /dev/null as stdin, and no descriptor
  /// above 2.
  [[nodiscard]] static Result<std::unique_ptr<Child>> start(boost::asio::io_context& context, const ChildSpec& spec,
                                                            OnExit on_exit);
  ~Child();  ///< leaves the child running, and drops the handler
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept;
  void signal(int signal_number) noexcept;  ///< does nothing after the exit
  /// Blocks, for a caller whose context no longer runs. True when the child has ended.
  [[nodiscard]] bool ends_within(std::chrono::milliseconds span) const;

 private:
  struct Impl;
  explicit Child(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::os
