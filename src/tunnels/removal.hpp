// Taking a tunnel away from this host, with everything that was made for it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/control.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// All of it: stops the tunnel, then remove_installation(). `report` gets a line for each thing that is gone, also
/// where the rest could not be removed. ExitStatus::no_such_tunnel when there is none.
[[nodiscard]] Result<> remove_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                     std::vector<std::string>& report);

/// Uninstalls the tunnel from its holders and deletes its files, then undoes what the installation record says that
/// setup had to change besides: directories, linger. `report` gets a line for each thing that is gone.
[[nodiscard]] Result<> remove_installation(const TunnelName& name, const std::vector<InstalledJob>& installed_jobs,
                                           const store::Paths& paths, os::Host& host, std::vector<std::string>& report);

/// The last part of it alone: what supervisors left in state and runtime directories, and the record's undoing.
/// `linger_was_undone`: setup has turned it off again itself.
[[nodiscard]] Result<> forget_tunnel(const TunnelName& name, const std::vector<fs::path>& runtime_directories,
                                     const store::Paths& paths, os::Host& host, bool linger_was_undone,
                                     std::vector<std::string>& report);

/// What a stopped tunnel has in a runtime directory, and the directory itself if nothing else is in it.
[[nodiscard]] Result<> clear_runtime(const TunnelName& name, const fs::path& directory, os::Host& host,
                                     std::vector<std::string>& report);

/// What it keeps in the state directory: log, history, record and the like.
[[nodiscard]] Result<> clear_state(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                   std::vector<std::string>& report);

/// Where the record says that setup turned linger on and nobody needs it: off, unless other units of the user's do.
[[nodiscard]] Result<> turn_linger_off(os::Host& host, std::vector<std::string>& report);

/// NAME.known_hosts beside the tunnel's file: a host key that setup pinned.
[[nodiscard]] fs::path pin_file(const TunnelName& name, const store::Paths& paths);

}  // namespace holdfast::tunnels
