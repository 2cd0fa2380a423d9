// What a machine has to know of a tunnel.
#pragma once

#include "core/tunnel.hpp"
#include "supervisor/machine/machine.hpp"

namespace holdfast::supervisor {

/// Its words are of what `tunnel` is when they are asked for: it must outlive them.
[[nodiscard]] Rules rules_of(const Tunnel& tunnel);

}  // namespace holdfast::supervisor
