// Where a job's socket, lock and live state go.
#pragma once

#include "backends/backend.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/previous_tunnel.hpp"
#include "tunnels/setup/setup_request.hpp"

namespace holdfast::tunnels {

enum class Claim {
  make,     ///< the directory is made, and it is ours afterwards
  preview,  ///< nothing is made: the directory that `make` would most likely choose
};

/// The previous tunnel's directory where it outlives a logout as the job does; else the first one that is ours.
/// `survives`: what the job survives with that backend.
[[nodiscard]] Result<fs::path> runtime_directory_for(const SetupRequest& request, const PreviousTunnel& previous,
                                                     const backends::Backend& backend, const Survives& survives,
                                                     Claim claim, const os::Host& host, Observer& observer);

}  // namespace holdfast::tunnels
