// The ssh agents that the logins of one route ask for keys.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/client/resolution.hpp"

#include <vector>

namespace holdfast::ssh {

/// The agents that ssh_config names, jump hosts first: with a key of its own the tunnel asks none at the bastion.
/// `home`: of the user that ssh runs as. Leaves out names that only ssh expands.
[[nodiscard]] std::vector<fs::path> route_agents(const ResolvedRoute& route, const Tunnel& tunnel,
                                                 const fs::path& home);

}  // namespace holdfast::ssh
