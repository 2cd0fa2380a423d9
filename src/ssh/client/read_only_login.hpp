// A login that leaves the known_hosts files of the user unchanged, on every hop.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/client/resolution.hpp"

#include <vector>

namespace holdfast::ssh {

/// The ssh options of such a login. ssh passes no -o option on to the ssh that it starts for a ProxyJump, so a route
/// with jump hosts gets a ProxyCommand with the same hops.
[[nodiscard]] std::vector<SshOption> read_only_login_options(const Client& client, const ResolvedRoute& route);

}  // namespace holdfast::ssh
