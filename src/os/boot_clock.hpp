// The clock that counts from the boot, suspends included, and that nobody can set: clock_gettime(2), CLOCK_BOOTTIME.
#pragma once

#include <chrono>

namespace holdfast::os {

[[nodiscard]] std::chrono::milliseconds since_boot() noexcept;

}  // namespace holdfast::os
