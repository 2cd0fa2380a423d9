// Whose a tunnel is, in a home that many hosts share: docs/adr/0012.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <string>

namespace holdfast::tunnels {

/// True when the tunnel belongs to a host of another name, and this machine carries that host's mark: it was renamed,
/// or is a copy of it. Which of the two cannot be seen from here.
[[nodiscard]] bool is_renamed(const Tunnel& tunnel, const os::Host& host);

/// Why nothing is done here for a tunnel that is_elsewhere(), and the one command that would change that.
[[nodiscard]] Diagnosis explain_elsewhere(const Tunnel& tunnel, const os::Host& host);

/// `holdfast setup …` that makes this tunnel this host's own.
[[nodiscard]] std::string take_over_command(const Tunnel& tunnel, const os::Host& host);

}  // namespace holdfast::tunnels
