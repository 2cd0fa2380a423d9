// The tunnels of one scope: one file each; a bad file harms no other.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/places.hpp"

#include <vector>

namespace holdfast::store {

/// One entry of a listing: a tunnel, or why its file is none.
struct Entry {
  TunnelName name;
  Result<Tunnel> tunnel;
};

/// Every NAME.conf in places.tunnels, sorted by name (numbers by value); other files are passed over.
[[nodiscard]] std::vector<Entry> load_all(const os::Host& host, const Places& places);

/// Fails with ExitStatus::no_such_tunnel when there is no such file; refuses a file that is a symlink to elsewhere's
/// owner, not ours (or root's), writable by others, torn, empty or huge.
[[nodiscard]] Result<Tunnel> load(const os::Host& host, const Places& places, const TunnelName& name);

}  // namespace holdfast::store
