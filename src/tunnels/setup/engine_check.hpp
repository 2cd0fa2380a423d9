// Whether the engine that is asked for can be used, and what it would run.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// Runs `ssh -G` for the engine autossh: it cannot carry forwards that ssh_config adds. `tunnel`: the one that is asked
/// for; its backend and runtime directory do not matter.
[[nodiscard]] Result<> check_engine(const SetupRequest& request, const Tunnel& tunnel, const ssh::Client& client,
                                    const os::Host& host);

/// The command that the supervisor of `tunnel` runs with engine autossh, for --dry-run; nullopt with the native one.
[[nodiscard]] Result<std::vector<std::string>> engine_lines(const Tunnel& tunnel, const ssh::Client& client,
                                                            const os::Host& host);

}  // namespace holdfast::tunnels
