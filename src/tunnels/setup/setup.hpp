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

/// Returns once the tunnel is up, or stands by. After any failure what was done is undone, and a previous tunnel of
/// that name runs again if it ran before.
[[nodiscard]] Result<SetupOutcome> run_setup(const SetupRequest& request, os::Host& host, Observer& observer);

/// Every file and command of run_setup(), as text. Changes nothing, and does not ask the bastion.
[[nodiscard]] Result<std::vector<std::string>> preview_setup(const SetupRequest& request, const os::Host& host,
                                                             Observer& observer);

}  // namespace holdfast::tunnels
