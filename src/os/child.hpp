// A child process of the supervisor: its own session, files instead of pipes, watched on an io_context.
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
  fs::path out;  ///< appended to; made 0600
  fs::path err;
  bool ends_with_us = false;  ///< it is worth nothing to whoever comes after us
  int out_descriptor = -1;    ///< the child's stdout instead of `out`; it stays the caller's
};

class Child {
 public:
  /// Called once, from the io_context, with how it ended: exit code, or 128 + signal.
  using OnExit = std::function<void(int exit_code)>;

  /// Starts it: setsid(2), default signal dispositions, empty mask, stdin /dev/null, descriptors above 2 closed.
  [[nodiscard]] static Result<std::unique_ptr<Child>> start(boost::asio::io_context& context, const ChildSpec& spec,
                                                            OnExit on_exit);
  ~Child();  ///< forgets the child; never kills it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept;
  void signal(int signal_number) noexcept;  ///< nothing when it has ended
  /// Blocks, for a caller whose context no longer runs. True when it has ended.
  [[nodiscard]] bool ends_within(std::chrono::milliseconds span) const;

 private:
  struct Impl;
  explicit Child(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::os
