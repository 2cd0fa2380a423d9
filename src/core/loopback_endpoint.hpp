// The address by which a listening end is reached from its own machine.
#pragma once

#include "core/forward.hpp"

#include <vector>

namespace holdfast {

/// `listen` with a wildcard bind address replaced by loopback: nothing can connect to a wildcard.
[[nodiscard]] End loopback_endpoint(const End& listen);

/// Each loopback address of the bastion that such a listening end has, the one that it must have first: sshd binds
/// "localhost" and "::" on both address families, as far as they are free.
[[nodiscard]] std::vector<End> loopback_endpoints(const End& listen);

[[nodiscard]] bool is_loopback_address(const End& end);

}  // namespace holdfast
