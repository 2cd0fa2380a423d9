// The calling user's crontab, through crontab(1).
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::backends {

/// The answer of `crontab -l`.
struct CrontabAnswer {
  std::optional<std::string> text;  ///< empty: the user has no crontab
  bool denied = false;              ///< cron.allow or cron.deny excludes this user
};
/// An Error when crontab(1) is missing, hangs or fails otherwise, or when the crontab is too large to be read whole:
/// then it must not be written back.
[[nodiscard]] Result<CrontabAnswer> read_crontab(const os::Host& host, std::chrono::milliseconds deadline);

/// Why cron cannot run commands with this value of SHELL in the crontab; empty when it can. Runs an unusual shell to
/// find out.
[[nodiscard]] std::optional<std::string> why_shell_fails(const std::optional<std::string>& shell, const os::Host& host);

/// Executes the step: reads, edits and writes the crontab, then reads it back to check the block. After an Error
/// nothing has changed. Concurrent holdfast processes take turns by a lock; an edit by another program at the same time
/// is detected, and the step repeated on top of it. Returns the step that undoes it, empty when nothing had to change.
[[nodiscard]] Result<std::optional<EditCrontab>> edit_crontab(const EditCrontab& step, os::Host& host);

}  // namespace holdfast::backends
