// The command with which a laptop logs in through the bastion.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <string>

namespace holdfast::tunnels {

/// One ssh command. For a forward to an ssh port: a login with the bastion as jump host, as `user` when the target is
/// this host. For any other: a local port of the laptop that leads there.
[[nodiscard]] std::string client_command(const Tunnel& tunnel, const std::string& user);

/// True when the target of `forward` is port 22.
[[nodiscard]] bool leads_to_ssh_port(const Forward& forward);

/// True when its target is this machine.
[[nodiscard]] bool leads_to_this_host(const Forward& forward);

/// The argument of ssh -L on a laptop for that forward: "8080:127.0.0.1:8080". The local port is one that an ordinary
/// user may listen on.
[[nodiscard]] std::string local_forward(const Forward& forward);
[[nodiscard]] std::uint16_t local_port(const Forward& forward);

/// The user's name. Runs id(1) where the environment does not have it: cron and su may leave $USER out.
[[nodiscard]] std::string login_name(const os::User& user, const os::Host& host);

}  // namespace holdfast::tunnels
