// Which targets are ssh servers, whatever their port.
#pragma once

#include "core/forward.hpp"

#include <vector>

namespace holdfast::ssh {

/// Of each forward, whether what it leads to greets as an ssh server now. Asked all at once, as
/// ssh/preflight/target_check.hpp does; one that is given by a name is not looked at.
[[nodiscard]] std::vector<bool> have_ssh_banner(const std::vector<Forward>& forwards);

}  // namespace holdfast::ssh
