// Which host a tunnel belongs to, in a home that many hosts share: docs/adr/0012.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <string>

namespace holdfast::tunnels {

/// True when the tunnel belongs to a host of another name but with this machine's mark: this machine was renamed, or is
/// a copy of that one. Holdfast cannot tell which.
[[nodiscard]] bool is_renamed(const Tunnel& tunnel, const os::Host& host);

/// Why nothing is done here for a tunnel that is_elsewhere(), and the command that changes it.
[[nodiscard]] Diagnosis explain_elsewhere(const Tunnel& tunnel, const os::Host& host);

/// The `holdfast setup …` that sets the tunnel up again as it is.
[[nodiscard]] std::string setup_command(const Tunnel& tunnel);

/// The `holdfast setup …` that makes the tunnel belong to this host.
[[nodiscard]] std::string take_over_command(const Tunnel& tunnel, const os::Host& host);

}  // namespace holdfast::tunnels
