// A tunnel that any host of a shared home may have: its file says what all of them agree on, and beside each host's own
// log lies what holds it there and where its runtime files are. Only in the user scope: /etc is shared by nobody.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::store {

/// True when the tunnel's file is that of many hosts.
[[nodiscard]] bool is_shared(const Tunnel& tunnel, const Paths& paths);

struct HostSettings {
  std::string backend;
  fs::path runtime_dir;
};

/// state/HOSTNAME/NAME.host
[[nodiscard]] fs::path host_settings_file(const Paths& paths, const TunnelName& name);
[[nodiscard]] std::string format_host_settings(const Tunnel& tunnel);
/// What setup chose on this host; nothing when the tunnel is not set up here, or the file cannot be trusted.
[[nodiscard]] std::optional<HostSettings> read_host_settings(const os::Host& host, const Paths& paths,
                                                             const TunnelName& name);

/// One host's part of one tunnel.
struct HostSettingsOf {
  std::string host;    ///< the name of its directory
  std::string tunnel;  ///< whose file may be gone
  HostSettings part;
};
/// Those of every host of this home.
[[nodiscard]] std::vector<HostSettingsOf> host_settings(const os::Host& host, const Paths& paths);

/// The text of the file that all hosts share: without what is this host's alone.
[[nodiscard]] std::string format_shared(const Tunnel& tunnel);

/// True when the tunnel's file, as it lies there, needs no change to be `tunnel` here.
[[nodiscard]] bool agrees_with_file(const os::Host& host, const Paths& paths, const Tunnel& tunnel);

/// The other hosts of this home on which a tunnel of that name is set up.
[[nodiscard]] std::vector<std::string> other_hosts_with(const os::Host& host, const Paths& paths,
                                                        const TunnelName& name);

/// A number that tells machines apart where their names do not, made from /etc/machine-id, which is not to be shown
/// around itself (machine-id(5)). Empty when this machine has none.
[[nodiscard]] std::string machine_mark(const os::Host& host);

}  // namespace holdfast::store
