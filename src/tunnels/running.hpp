// Starting, stopping and restarting a tunnel that is set up, by its name; one command at a time changes a tunnel.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/control.hpp"
#include "tunnels/observer.hpp"

namespace holdfast::tunnels {

/// Starts it if it does not run, and waits until it is up or stands by. An Error with ExitStatus::not_up when it is
/// started and is neither within 30 s: it goes on trying.
[[nodiscard]] Result<Arrival> start_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                           const Observer& observer);

/// Ends it; it stays installed. Stopping what does not run is no error.
[[nodiscard]] Result<Stopped> stop_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host);

/// Stops and starts it, and waits as start_tunnel() does.
[[nodiscard]] Result<Arrival> restart_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                             const Observer& observer);

/// The same, its ssh and the sessions through it going on under the new supervisor; warns when that could not be.
[[nodiscard]] Result<Arrival> restart_keeping_connection(const TunnelName& name, const store::Paths& paths,
                                                         os::Host& host, Observer& observer);

}  // namespace holdfast::tunnels
