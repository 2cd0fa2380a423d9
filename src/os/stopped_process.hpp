// Whether a living process runs at all.
#pragma once

#include "os/host.hpp"

#include <sys/types.h>

namespace holdfast::os {

/// True for a process that does nothing until somebody continues it: after SIGSTOP, under a debugger, or in a frozen
/// control group. False where /proc does not tell.
[[nodiscard]] bool is_stopped(const Host& host, pid_t pid);

}  // namespace holdfast::os
