// The tunnels of one scope: one file each; a bad file harms no other.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <vector>

namespace holdfast::store {

/// One entry of a listing: a tunnel, or why its file is none.
struct Entry {
  TunnelName name;
  Result<Tunnel> tunnel;
};

/// The names that load_all() would load, in its order; no file is opened.
[[nodiscard]] std::vector<TunnelName> tunnel_names(const os::Host& host, const Paths& paths);

/// Every NAME.conf in places.tunnels, sorted by name (numbers by value, before words); other files are passed over.
[[nodiscard]] std::vector<Entry> load_all(const os::Host& host, const Paths& paths);

/// Fails with ExitStatus::no_such_tunnel when there is no such file. Refuses one that is not ours (or root's; root's
/// alone in the system scope), that others may write to, or whose directory is so; that is torn, empty or huge. A
/// symlink of ours to a file of ours is followed: people keep such files in a repository of their own.
/// Of a tunnel that any host may have, backend and runtime directory are this host's own, if it is set up here.
[[nodiscard]] Result<Tunnel> load(const os::Host& host, const Paths& paths, const TunnelName& name);

/// The same, as its file alone has it.
[[nodiscard]] Result<Tunnel> load_as_written(const os::Host& host, const Paths& paths, const TunnelName& name);

/// What the file of a tunnel that runs says now; nothing when nothing changed. An Error when that cannot be taken while
/// it runs: the file is not sound, or speaks of another engine or runtime directory.
[[nodiscard]] Result<std::optional<Tunnel>> load_changed(const os::Host& host, const Paths& paths,
                                                         const Tunnel& running);

/// True when there is a file of that name, sound or not.
[[nodiscard]] bool exists(const os::Host& host, const Paths& paths, const TunnelName& name);

/// What is left on this host of tunnels whose files are gone: removed on another host of the same home, or by hand.
/// Each with the Error that says so.
[[nodiscard]] std::vector<Entry> left_here(const os::Host& host, const Paths& paths);
/// True when there is a file of that name, or something left of it here.
[[nodiscard]] bool is_known(const os::Host& host, const Paths& paths, const TunnelName& name);

/// True when a tunnel of this home, on whichever host, is held by that backend, or may be: its file is broken. Of
/// `except` only what other hosts have of it counts.
[[nodiscard]] bool is_any_other_held_by(const os::Host& host, const Paths& paths, std::string_view backend,
                                        const TunnelName& except);

}  // namespace holdfast::store
