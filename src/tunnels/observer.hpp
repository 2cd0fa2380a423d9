// Follows an operation, and may cancel it.
#pragma once

#include "core/result.hpp"

#include <string_view>

namespace holdfast::tunnels {

/// The base class ignores everything and cancels nothing. Called on the thread that the operation runs on. Texts may
/// quote hostile bytes (core/text.hpp).
class Observer {
 public:
  Observer() = default;
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  /// A step is done. `figure`: a time, a file or the like; may be empty.
  virtual void step_done(std::string_view /*step*/, std::string_view /*figure*/) {}
  /// A step is done, or was passed over, and the user should know why it is not as good as it could be.
  virtual void step_warned(std::string_view /*step*/, std::string_view /*reason*/) {}
  /// A step failed. The operation's Error says why.
  virtual void step_failed(std::string_view /*step*/) {}
  virtual void note(std::string_view /*line*/) {}
  virtual void detail(std::string_view /*line*/) {}  ///< for -v
  virtual void warn(std::string_view /*line*/) {}

  /// Called every few milliseconds while the operation waits. True ends it, and it undoes what it has done.
  [[nodiscard]] virtual bool is_cancelled() const { return false; }
};

/// The Error of an operation that was cancelled, with ExitStatus::interrupted.
[[nodiscard]] Error cancelled();

/// Fails with cancelled() once `observer` cancels.
[[nodiscard]] Result<> check_cancelled(const Observer& observer);

}  // namespace holdfast::tunnels
