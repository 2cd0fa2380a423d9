// Whom an operation is done for: it is told how it goes, and may call it off.
#pragma once

#include "core/result.hpp"

#include <string_view>

namespace holdfast::tunnels {

/// Takes no notice and calls nothing off; who wants to know more overrides it. Called on the thread that the operation
/// runs on. Texts may quote hostile bytes (core/text.hpp).
class Observer {
 public:
  Observer() = default;
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// A step is done: what, and a figure to it, which may be empty.
  virtual void step_done(std::string_view /*what*/, std::string_view /*figure*/) {}
  /// The same for what is not quite right.
  virtual void step_warned(std::string_view /*what*/, std::string_view /*reason*/) {}
  /// A step failed; the operation's Error says why.
  virtual void step_failed(std::string_view /*what*/) {}
  virtual void note(std::string_view /*line*/) {}
  virtual void detail(std::string_view /*line*/) {}  ///< for who looks closely
  virtual void warn(std::string_view /*line*/) {}

  /// Asked often, every few milliseconds while it waits: true ends the operation, which undoes what it has done.
  [[nodiscard]] virtual bool is_cancelled() const { return false; }
};

/// The Error of an operation that was called off, with ExitStatus::interrupted.
[[nodiscard]] Error cancelled();

/// That Error when `observer` says so.
[[nodiscard]] Result<> check_cancelled(const Observer& observer);

}  // namespace holdfast::tunnels
