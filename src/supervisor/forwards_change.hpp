// What a change of the tunnel file asks for: another login, or only other forwards over the connection there is. Pure.
#pragma once

#include "core/tunnel.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace holdfast::supervisor {

/// True when the ssh that runs for `now` cannot carry `wanted`.
[[nodiscard]] bool needs_new_login(const Tunnel& now, const Tunnel& wanted);

/// For each forward of `wanted` its number in `now`; nothing for one that is not there, target included.
[[nodiscard]] std::vector<std::optional<std::size_t>> find_forwards(const Tunnel& now, const Tunnel& wanted);

}  // namespace holdfast::supervisor
