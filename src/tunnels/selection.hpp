// Finds the tunnels that a command line names.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "store/tunnel_store.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// The operands as names of existing tunnels, without duplicates. A usage error when one is not a name,
/// ExitStatus::no_such_tunnel when there is no such tunnel.
[[nodiscard]] Result<std::vector<TunnelName>> named_tunnels(const std::vector<std::string>& operands,
                                                            const os::Host& host, const store::Paths& paths);

/// The `entries` that listen on the port. One whose file is broken is compared by its name. ExitStatus::no_such_tunnel
/// when there is none; its hint names the other scope if one of its tunnels listens there.
[[nodiscard]] Result<std::vector<store::Entry>> on_port(const std::string& port, std::vector<store::Entry> entries,
                                                        const os::Host& host, const store::Paths& paths);

}  // namespace holdfast::tunnels
