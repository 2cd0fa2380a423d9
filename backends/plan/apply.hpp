// Executes plans: the only code that changes the host.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::backends {

/// The steps that were executed, and how to undo them. The destructor undoes nothing: call unwind().
class Applied {
 public:
  /// Undoes every step, last first, and returns a line for each that failed. A second call does nothing.
  std::vector<std::string> unwind(os::Host& host);
  /// The directories that steps created, outermost first (the installation record keeps them for remove).
  [[nodiscard]] const std::vector<fs::path>& made_directories() const noexcept { return made_directories_; }
  void append(Applied later);  ///< adds the undo steps of a later plan, for one unwind of both

 private:
  friend Result<Applied> apply(const Plan&, os::Host&);
  Plan undo_;  // in the order of the steps that they undo
  std::vector<fs::path> made_directories_;
};

/// Executes the plan. When a step fails, it unwinds the steps before it and returns the step's Error, whose cause also
/// names every undo that failed.
[[nodiscard]] Result<Applied> apply(const Plan& plan, os::Host& host);

/// True when a step that writes a file or a block would change nothing; true for every other step.
[[nodiscard]] bool is_in_place(const Step& step, const os::Host& host);

/// The EditBlock steps of the plan that would change their file.
[[nodiscard]] std::vector<EditBlock> due_edits(const Plan& plan, const os::Host& host);

/// The directories that apply() would create, outermost first.
[[nodiscard]] std::vector<fs::path> directories_to_make(const Plan& plan, const os::Host& host);

/// One step as `--dry-run` shows it: "write /path (0600)\n<contents indented>", "run systemctl --user daemon-reload".
[[nodiscard]] std::string describe(const Step& step);

}  // namespace holdfast::backends
