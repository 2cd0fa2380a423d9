// Whether a change of the tunnel file needs a new login, or only other forwards over the present connection. Pure.
#pragma once

#include "core/tunnel.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace holdfast::supervisor {

/// True when the ssh that was started for `now` cannot carry `wanted`.
[[nodiscard]] bool needs_new_login(const Tunnel& now, const Tunnel& wanted);

/// For each forward of `wanted`: the number of an equal forward in `now`, target included; empty when there is none.
[[nodiscard]] std::vector<std::optional<std::size_t>> find_forwards(const Tunnel& now, const Tunnel& wanted);

}  // namespace holdfast::supervisor
