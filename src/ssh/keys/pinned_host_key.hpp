// The host key that setup pinned for one tunnel.
#pragma once

#include "core/tunnel.hpp"

#include <optional>
#include <string>

namespace holdfast::ssh {

/// The value of -o that adds it to the known hosts of the machine; nothing without a pinned key.
[[nodiscard]] std::optional<std::string> known_hosts_option(const Tunnel& tunnel);

}  // namespace holdfast::ssh
