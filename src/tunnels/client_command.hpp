// What a laptop types to come in through the bastion.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <string>

namespace holdfast::tunnels {

/// One ssh command. For a forward that leads to an ssh port: straight in, by way of the bastion (`user` is whom the
/// tunnel runs as, taken only when the target is this host). For any other: a local port that leads there.
[[nodiscard]] std::string client_command(const Tunnel& tunnel, const std::string& user);

/// True when `forward` leads to port 22.
[[nodiscard]] bool leads_to_ssh_port(const Forward& forward);

/// True when its target is on this side's own machine.
[[nodiscard]] bool leads_to_this_host(const Forward& forward);

/// What ssh -L takes on a laptop to have that forward there: "8080:127.0.0.1:8080". The local port is one that an
/// ordinary user may listen on.
[[nodiscard]] std::string local_forward(const Forward& forward);
[[nodiscard]] std::uint16_t local_port(const Forward& forward);

/// A user's name; asks id(1) where the environment does not have it (cron and su may leave $USER out).
[[nodiscard]] std::string login_name(const os::User& user, const os::Host& host);

}  // namespace holdfast::tunnels
