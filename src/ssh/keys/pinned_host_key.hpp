// The host key that setup pinned for one tunnel.
#pragma once

#include "core/tunnel.hpp"

#include <optional>
#include <string>

namespace holdfast::ssh {

/// The -o by which ssh knows it, beside those that the machine knows; nothing when none was pinned.
[[nodiscard]] std::optional<std::string> known_hosts_option(const Tunnel& tunnel);

}  // namespace holdfast::ssh
