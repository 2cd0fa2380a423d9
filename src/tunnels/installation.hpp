// The parts of a tunnel on this host: its job, its backend, its runtime files, its live state.
#pragma once

#include "backends/backend.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/live_state.hpp"
#include "store/paths.hpp"

#include <optional>
#include <vector>

namespace holdfast::tunnels {

namespace fs = boost::filesystem;

/// The directory of the tunnel's socket, lock and live state: that in its file, else the one that setup would choose.
[[nodiscard]] fs::path runtime_directory_of(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host);

/// The directories to search for runtime files when the tunnel's file cannot be read.
[[nodiscard]] std::vector<fs::path> possible_runtime_directories(const TunnelName& name, const store::Paths& paths,
                                                                 const os::Host& host);

/// True when the tunnel belongs to another host (a home may be shared by many).
[[nodiscard]] bool is_elsewhere(const Tunnel& tunnel, const os::Host& host);

/// The user a tunnel runs as, without a query of the name service: in the system scope only the name is set. Enough for
/// a backend's query, start and stop; install needs find_job_user().
[[nodiscard]] os::User nominal_user(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host);

/// The same, complete: queries the name service in the system scope.
[[nodiscard]] Result<os::User> find_job_user(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host);

[[nodiscard]] backends::Job make_job(const Tunnel& tunnel, const store::Paths& paths, const os::User& run_as,
                                     const os::Host& host);

/// The state that the supervisor last published, even if it has ended; nullopt without a file that can be trusted.
[[nodiscard]] std::optional<store::LiveState> read_live(const fs::path& runtime_directory, const TunnelName& name,
                                                        const store::Paths& paths, const os::Host& host);

/// The backend that the tunnel's file names; an Error for one that this version does not have.
[[nodiscard]] Result<const backends::Backend*> backend_of(const Tunnel& tunnel);

/// Backend::query() for one job.
[[nodiscard]] Result<backends::Registration> query_one(const backends::Backend& backend, const backends::Job& job,
                                                       const os::Host& host);

}  // namespace holdfast::tunnels
