// The environment that this process was started with.
#pragma once

#include "os/host.hpp"

namespace holdfast::os {

/// Every variable of this process. Of two with one name the first counts, as for getenv(3).
[[nodiscard]] Environment current_environment();

}  // namespace holdfast::os
