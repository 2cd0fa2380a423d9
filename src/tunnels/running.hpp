// Starts, stops and restarts a tunnel that is set up, by its name, under its NameLock.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/control.hpp"
#include "tunnels/observer.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// Starts the tunnel if it does not run, and waits until it is up or stands by, or until its forwards are open if its
/// targets may be down. An Error with ExitStatus::not_up after
/// 30 s: the supervisor runs and keeps trying.
[[nodiscard]] Result<Arrival> start_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                           const Observer& observer);

/// Stops the tunnel; it stays installed. Stopping one that does not run is no error. `warnings` gets a line when the
/// mark that keeps `ensure` from starting it cannot be written, as in a full or read-only home.
[[nodiscard]] Result<Stopped> stop_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                          std::vector<std::string>& warnings);

/// Stops and starts it, and waits as start_tunnel() does.
[[nodiscard]] Result<Arrival> restart_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                             const Observer& observer);

/// The same, but the ssh that runs and the sessions through it go on under the new supervisor. Warns when ssh was lost.
[[nodiscard]] Result<Arrival> restart_keeping_connection(const TunnelName& name, const store::Paths& paths,
                                                         os::Host& host, Observer& observer);

}  // namespace holdfast::tunnels
