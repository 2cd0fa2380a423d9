// Whether a living process runs at all.
#pragma once

#include "os/host.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace holdfast::os {

/// True for a process that does nothing until somebody continues it: after SIGSTOP, under a debugger, or in a frozen
/// control group. False where /proc does not tell.
[[nodiscard]] bool is_stopped(const Host& host, pid_t pid);

/// Identifies the wait of a process in state D, which no signal ends: two equal answers are about the same wait.
/// Nothing for a process in another state.
[[nodiscard]] std::optional<std::string> uninterruptible_wait(const Host& host, pid_t pid);

}  // namespace holdfast::os
