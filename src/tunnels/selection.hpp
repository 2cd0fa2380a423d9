// The tunnels that somebody names.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "store/tunnel_store.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// Every operand as a name, each of a tunnel that there is; one given twice counts once. A usage error for what is no
/// name, ExitStatus::no_such_tunnel for one that is not there.
[[nodiscard]] Result<std::vector<TunnelName>> named_tunnels(const std::vector<std::string>& operands,
                                                            const os::Host& host, const store::Paths& paths);

/// Those of `entries` that listen on the port; one whose file is broken counts by its name. ExitStatus::no_such_tunnel
/// when there is none.
[[nodiscard]] Result<std::vector<store::Entry>> on_port(const std::string& port, std::vector<store::Entry> entries);

}  // namespace holdfast::tunnels
