// The tunnel files of one scope. An invalid file does not affect the other tunnels.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <vector>

namespace holdfast::store {

/// One entry of a listing: a tunnel, or the Error of its file.
struct Entry {
  TunnelName name;
  Result<Tunnel> tunnel;
};

/// The names of load_all(), in its order, without opening a file.
[[nodiscard]] std::vector<TunnelName> tunnel_names(const os::Host& host, const Paths& paths);

/// Every NAME.conf in paths.tunnels, sorted: numbers by value, then other names. Other files are ignored.
[[nodiscard]] std::vector<Entry> load_all(const os::Host& host, const Paths& paths);

/// Fails with ExitStatus::no_such_tunnel when there is no such file. Refuses a file or directory that another user owns
/// or can write to (root may own it; in the system scope root must), and an invalid, empty or huge file. Follows a
/// symlink of this user: some people keep these files in a repository.
/// For a tunnel with `host = any`, backend and runtime directory come from this host's settings, if it is set up here.
[[nodiscard]] Result<Tunnel> load(const os::Host& host, const Paths& paths, const TunnelName& name);

/// The same without this host's settings.
[[nodiscard]] Result<Tunnel> load_as_written(const os::Host& host, const Paths& paths, const TunnelName& name);

/// The tunnel in the file of `running`, if it changed. An Error when the running supervisor cannot apply it: the file
/// is invalid, or has another engine or runtime directory.
[[nodiscard]] Result<std::optional<Tunnel>> load_changed(const os::Host& host, const Paths& paths,
                                                         const Tunnel& running);

/// True when there is a file of that name, valid or not.
[[nodiscard]] bool exists(const os::Host& host, const Paths& paths, const TunnelName& name);

/// Tunnels that are installed on this host although their files are gone: removed by hand, or on another host with the
/// same home. Each entry has an Error that says so.
[[nodiscard]] std::vector<Entry> orphaned_installations(const os::Host& host, const Paths& paths);
/// True when there is a file of that name, or it is installed on this host.
[[nodiscard]] bool is_known(const os::Host& host, const Paths& paths, const TunnelName& name);

/// True when another tunnel of this home uses that backend on any host, or may use it because its file is invalid. An
/// installation of `except` on another host counts too.
[[nodiscard]] bool is_backend_in_use(const os::Host& host, const Paths& paths, std::string_view backend,
                                     const TunnelName& except);

}  // namespace holdfast::store
