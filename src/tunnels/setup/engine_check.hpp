// Checks whether the requested engine works here, and shows the command that it would run.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// For the engine autossh, runs `ssh -G` and refuses forwards that ssh_config adds: autossh cannot hold them. `tunnel`:
/// the requested tunnel; its backend and runtime directory do not matter.
[[nodiscard]] Result<> check_engine(const SetupRequest& request, const Tunnel& tunnel, const ssh::Client& client,
                                    const os::Host& host);

/// The command that the supervisor of `tunnel` runs with engine autossh, for --dry-run; nullopt with the native one.
[[nodiscard]] Result<std::vector<std::string>> engine_lines(const Tunnel& tunnel, const ssh::Client& client,
                                                            const os::Host& host);

}  // namespace holdfast::tunnels
