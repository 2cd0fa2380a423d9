// The command that a laptop runs to use a tunnel through the bastion.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/resolution.hpp"

#include <string>

namespace holdfast::tunnels {

/// The route to the bastion for a laptop, which has no alias of this machine. An ordinary user cannot read the
/// ssh_config of another `user`: then the bastion is as in the tunnel's file.
[[nodiscard]] Result<ssh::ResolvedRoute> client_route(const Tunnel& tunnel, const os::User& user,
                                                      const ssh::Client& client, const os::Host& host);
/// The bastion as in the tunnel's file.
[[nodiscard]] ssh::ResolvedRoute unresolved_route(const Tunnel& tunnel, const os::User& user);

/// The argument of `ssh -J` for the whole route.
[[nodiscard]] std::string jumps_of(const ssh::ResolvedRoute& route);

/// `ssh -N -L …` with every jump host on the route to the bastion.
[[nodiscard]] std::string local_forward_command(const ssh::ResolvedRoute& route, const Forward& forward);

/// One ssh command. If a forward leads to an ssh port, it logs in there with the bastion as jump host, as `user` if the
/// target is this host. Else it is `ssh -L`, which opens a port on the laptop for the first forward.
[[nodiscard]] std::string client_command(const Tunnel& tunnel, const ssh::ResolvedRoute& route,
                                         const std::string& user);

/// `ssh -J …`, which logs in through the port of `forward`: its target is an ssh server, with any port.
[[nodiscard]] std::string login_command(const ssh::ResolvedRoute& route, const Forward& forward,
                                        const std::string& user);

/// True when the target of `forward` is port 22.
[[nodiscard]] bool leads_to_ssh_port(const Forward& forward);

/// True when the target of `forward` is this machine.
[[nodiscard]] bool leads_to_this_host(const Forward& forward);

/// The argument of `ssh -L` on a laptop for `forward`: "8080:127.0.0.1:8080".
[[nodiscard]] std::string local_forward(const Forward& forward);
/// The laptop's port in it. It is 1024 or higher, so that an ordinary user may listen on it.
[[nodiscard]] std::uint16_t local_port(const Forward& forward);

/// The user's name. Runs id(1) if `user` has no name, because cron and su may leave $USER out. Empty if id(1) fails.
[[nodiscard]] std::string login_name(const os::User& user, const os::Host& host);

}  // namespace holdfast::tunnels
