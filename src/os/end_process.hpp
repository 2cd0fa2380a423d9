// Ends one process, and no other one that has its pid meanwhile.
#pragma once

#include "os/host.hpp"

#include <chrono>

namespace holdfast::os {

/// SIGTERM, after `grace` SIGKILL, and at most 2 s more. True when it has ended, also before.
[[nodiscard]] bool end_process(Host& host, const ProcessId& process, std::chrono::milliseconds grace);

}  // namespace holdfast::os
