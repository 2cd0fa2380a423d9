// The way to a listening end from its own machine.
#pragma once

#include "core/forward.hpp"

namespace holdfast {

/// Where to dial on the bastion to come out at `listen`: an address that stands for all of them is no place to dial.
[[nodiscard]] End loopback_endpoint(const End& listen);

}  // namespace holdfast
