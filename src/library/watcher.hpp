// Passes the events of an operation to the Watch of a caller.
#pragma once

#include <holdfast/request.hpp>

#include "tunnels/observer.hpp"

#include <exception>

namespace holdfast::library {

/// An exception from the watch cancels the operation and is rethrown later, since it must not interrupt the operation.
class Watcher final : public tunnels::Observer {
 public:
  /// `watch` must outlive it.
  explicit Watcher(const Watch& watch) : watch_(watch) {}

  void step_done(std::string_view what, std::string_view figure) override { report(Step::Kind::done, what, figure); }
  void step_warned(std::string_view what, std::string_view reason) override {
    report(Step::Kind::warned, what, reason);
  }
  void step_failed(std::string_view what) override { report(Step::Kind::failed, what); }
  void note(std::string_view line) override { report(Step::Kind::note, line); }
  void detail(std::string_view line) override { report(Step::Kind::detail, line); }
  void warn(std::string_view line) override { report(Step::Kind::warning, line); }
  [[nodiscard]] bool is_cancelled() const override;

  /// Rethrows the exception of the watch, if any.
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  void report(Step::Kind kind, std::string_view what, std::string_view more = {});

  const Watch& watch_;
  mutable std::exception_ptr thrown_;
};

}  // namespace holdfast::library
