// The checks of every bastion of a tunnel before anything is changed, with the real ssh.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/setup_facts.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>

namespace holdfast::tunnels {

/// The lines for NAME.known_hosts where a host key was accepted; nothing: none was. An Error when a bastion refuses the
/// tunnel, or none can be reached. `tunnel`: its runtime directory is a private one that the caller removes.
[[nodiscard]] Result<std::optional<std::string>> check_bastions(const SetupRequest& request, const SetupFacts& facts,
                                                                const Tunnel& tunnel, const ssh::Client& client,
                                                                os::Host& host, Observer& observer);

}  // namespace holdfast::tunnels
