// Removes a tunnel from this host, with everything that was made for it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "tunnels/control.hpp"

#include <string>
#include <vector>

namespace holdfast::tunnels {

/// Stops the tunnel, then remove_installation(). `report` gets a line for each thing that was removed, also when a
/// later step fails. ExitStatus::no_such_tunnel when there is none.
[[nodiscard]] Result<> remove_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                     std::vector<std::string>& report);

/// Uninstalls the jobs and deletes the tunnel's files, then undoes what else setup changed, from the installation
/// record: directories, linger. `report` gets a line for each thing that was removed.
[[nodiscard]] Result<> remove_installation(const TunnelName& name, const std::vector<InstalledJob>& installed_jobs,
                                           const store::Paths& paths, os::Host& host, std::vector<std::string>& report);

/// The last part of it: removes what supervisors left in state and runtime directories, and undoes the record.
/// `linger_was_undone`: setup has turned linger off itself.
[[nodiscard]] Result<> forget_tunnel(const TunnelName& name, const std::vector<fs::path>& runtime_directories,
                                     const store::Paths& paths, os::Host& host, bool linger_was_undone,
                                     std::vector<std::string>& report);

/// Removes the files of a stopped tunnel from a runtime directory, and the directory if it is empty then.
[[nodiscard]] Result<> clear_runtime(const TunnelName& name, const fs::path& directory, os::Host& host,
                                     std::vector<std::string>& report);

/// Removes what a tunnel keeps in the state directory: log, history and so on.
[[nodiscard]] Result<> clear_state(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                   std::vector<std::string>& report);

/// Turns linger off, unless other units of the user need it. For the linger that setup turned on and no tunnel needs.
[[nodiscard]] Result<> turn_linger_off(os::Host& host, std::vector<std::string>& report);

/// NAME.known_hosts next to the tunnel's file: the host key that setup pinned.
[[nodiscard]] fs::path pin_file(const TunnelName& name, const store::Paths& paths);

}  // namespace holdfast::tunnels
