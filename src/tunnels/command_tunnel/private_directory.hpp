// The private directory of a command's tunnel, in a runtime directory: tunnel file, live state, log and sockets. The
// sidecar removes it. That of a killed sidecar is removed by the next with-tunnel.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>

namespace holdfast::tunnels {

namespace fs = boost::filesystem;

/// Every tunnel of a command has this name: its directory tells it from others.
[[nodiscard]] TunnelName command_tunnel_name();

/// Every file of that tunnel is in `directory`.
[[nodiscard]] store::Paths command_tunnel_paths(const fs::path& directory);

/// Makes one, 0700, for the command that this process becomes.
[[nodiscard]] Result<fs::path> make_private_directory(os::Host& host);

/// The process of the command; empty when `directory` is not such a directory.
[[nodiscard]] std::optional<os::ProcessId> command_of(const fs::path& directory, const os::Host& host);

/// Removes the directories of commands and sidecars that have ended, with the ssh that they left.
void remove_abandoned_tunnels(os::Host& host);

}  // namespace holdfast::tunnels
