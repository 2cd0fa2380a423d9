// Explains the failure of a ProxyJump. The ssh of a jump host has no log of its own: its messages are in our stderr.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/diagnosis/diagnosis.hpp"

#include <optional>

namespace holdfast::ssh {

/// For an ssh whose proxy closed the connection: class jump_host, with the name of the jump host as far as ssh's
/// message or output.jump_hosts tells it. Nothing when stderr has no message of ssh, as with another ProxyCommand.
[[nodiscard]] std::optional<Diagnosis> diagnose_jump_host(const SshOutput& output, const Tunnel& tunnel);

/// The jump hosts lead back to each other. ssh would start one ssh after the other until it times out.
[[nodiscard]] Diagnosis jump_host_loop(const Destination& bastion);

}  // namespace holdfast::ssh
