// The host key that setup pinned for one tunnel.
#pragma once

#include "core/tunnel.hpp"

#include <optional>
#include <string>

namespace holdfast::ssh {

/// The GlobalKnownHostsFile option that adds the pinned key's file to the machine's own; nullopt without a pinned key.
[[nodiscard]] std::optional<std::string> known_hosts_option(const Tunnel& tunnel);

}  // namespace holdfast::ssh
