// The address by which a listening end is reached from its own machine.
#pragma once

#include "core/forward.hpp"

namespace holdfast {

/// `listen` with a wildcard bind address replaced by loopback: nothing can connect to a wildcard.
[[nodiscard]] End loopback_endpoint(const End& listen);

}  // namespace holdfast
