// The calling user's crontab, through crontab(1).
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::backends {

/// What `crontab -l` says.
struct CrontabAnswer {
  std::optional<std::string> text;  ///< nothing: there is no crontab
  bool denied = false;              ///< cron.allow or cron.deny keeps this user out
};
/// An Error when there is no crontab(1), when it hangs or fails for another reason, or when the crontab is so large
/// that it could not be read whole: then it must not be written back.
[[nodiscard]] Result<CrontabAnswer> read_crontab(const os::Host& host, std::chrono::milliseconds deadline);

/// Carries the step out: reads, edits, writes, reads again and looks that the block is there (or gone) and, after a
/// failure, tells that nothing was changed. Two holdfasts at once wait for each other; one that edits by hand at the
/// very moment is noticed afterwards, and the edit done again. Returns the step that undoes it, nothing when there was
/// nothing to do.
[[nodiscard]] Result<std::optional<EditCrontab>> edit_crontab(const EditCrontab& step, os::Host& host);

}  // namespace holdfast::backends
