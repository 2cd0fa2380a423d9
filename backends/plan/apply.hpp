// The one place that changes the host.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::backends {

/// What was done and how to undo it. Unwinds nothing by itself: keep() is the default, unwind() is explicit.
class Applied {
 public:
  /// Undoes every step done, last first; the errors met on the way are returned as lines. A second call does nothing.
  std::vector<std::string> unwind(os::Host& host);
  /// Directories that steps had to make, outermost first (the installation record keeps them for remove).
  [[nodiscard]] const std::vector<fs::path>& made_directories() const noexcept { return made_directories_; }
  void append(Applied later);  ///< joins what a later plan did, for one unwind of both

 private:
  friend Result<Applied> apply(const Plan&, os::Host&);
  Plan undo_;  // steps that undo, in the order in which they became due
  std::vector<fs::path> made_directories_;
};

/// Carries the plan out. When a step fails, the steps before it are unwound and its error is returned; what could not
/// be unwound is named in its cause.
[[nodiscard]] Result<Applied> apply(const Plan& plan, os::Host& host);

/// True when a step that writes (a file, a block of the crontab) would find everything as it is to be; true for every
/// other step.
[[nodiscard]] bool is_in_place(const Step& step, const os::Host& host);

/// Where the plan's edits between markers are not done yet, for the telling.
[[nodiscard]] std::vector<EditBlock> due_edits(const Plan& plan, const os::Host& host);

/// The directories that carrying it out would make, outermost first.
[[nodiscard]] std::vector<fs::path> directories_to_make(const Plan& plan, const os::Host& host);

/// One step as `--dry-run` shows it: "write /path (0600)\n<contents indented>", "run systemctl --user daemon-reload".
[[nodiscard]] std::string describe(const Step& step);

}  // namespace holdfast::backends
