// The forwards of a running tunnel that listen on more addresses of the bastion than was asked for.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/exposure.hpp"
#include "store/paths.hpp"
#include "tunnels/observer.hpp"

#include <vector>

namespace holdfast::tunnels {

/// A tunnel that came up within the last 3 s gets the rest of that time: its supervisor is finding that out. Empty when
/// the tunnel does not run here.
[[nodiscard]] std::vector<store::Exposure> await_exposures(const Tunnel& tunnel, const store::Paths& paths,
                                                           const os::Host& host, const Observer& observer);

}  // namespace holdfast::tunnels
