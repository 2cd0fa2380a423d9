// A library's Watch as the Observer of an operation.
#pragma once

#include <holdfast/request.hpp>

#include "tunnels/observer.hpp"

#include <exception>

namespace holdfast::library {

/// What the watch throws is kept and calls the operation off, which must not be left half done by an exception.
class Watcher final : public tunnels::Observer {
 public:
  /// `watch` outlives it.
  explicit Watcher(const Watch& watch) : watch_(watch) {}

  void step_done(std::string_view what, std::string_view figure) override { tell(Step::Kind::done, what, figure); }
  void step_warned(std::string_view what, std::string_view reason) override { tell(Step::Kind::warned, what, reason); }
  void step_failed(std::string_view what) override { tell(Step::Kind::failed, what); }
  void note(std::string_view line) override { tell(Step::Kind::note, line); }
  void detail(std::string_view line) override { tell(Step::Kind::detail, line); }
  void warn(std::string_view line) override { tell(Step::Kind::warning, line); }
  [[nodiscard]] bool is_cancelled() const override;

  /// Throws what the watch threw.
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  void tell(Step::Kind kind, std::string_view what, std::string_view more = {});

  const Watch& watch_;
  mutable std::exception_ptr thrown_;
};

}  // namespace holdfast::library
