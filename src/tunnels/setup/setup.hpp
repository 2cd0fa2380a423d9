// Sets a tunnel up, changes it or moves it: all of it, or nothing.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/executor.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// Returns once the tunnel is up, or stands by. After any failure it undoes its changes, and starts a previous tunnel
/// of that name again if it ran before.
[[nodiscard]] Result<SetupOutcome> run_setup(const SetupRequest& request, os::Host& host, Observer& observer);

/// Every file and command of run_setup(), as text. Changes nothing, and does not contact the bastion.
[[nodiscard]] Result<std::vector<std::string>> preview_setup(const SetupRequest& request, const os::Host& host,
                                                             Observer& observer);

}  // namespace holdfast::tunnels
