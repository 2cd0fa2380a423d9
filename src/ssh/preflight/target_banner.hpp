// Detects which targets are ssh servers.
#pragma once

#include "core/forward.hpp"

#include <vector>

namespace holdfast::ssh {

/// For each forward, whether its target sends an ssh banner now. All targets are checked at the same time, 3.5 s at
/// most. False for a host name other than localhost, which only ssh resolves.
[[nodiscard]] std::vector<bool> have_ssh_banner(const std::vector<Forward>& forwards);

}  // namespace holdfast::ssh
