// Tunnels with `host = any` in a home that several hosts share. The tunnel file has the settings that all hosts share;
// each host keeps its backend and runtime directory in its own state directory. User scope only: hosts don't share
// /etc.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::store {

/// True when several hosts share the tunnel's file.
[[nodiscard]] bool is_shared(const Tunnel& tunnel, const Paths& paths);

struct HostSettings {
  std::string backend;
  fs::path runtime_dir;
};

/// state/HOSTNAME/NAME.host
[[nodiscard]] fs::path host_settings_file(const Paths& paths, const TunnelName& name);
[[nodiscard]] std::string format_host_settings(const Tunnel& tunnel);
/// The settings that setup chose on this host; nothing when the tunnel is not set up here or the file is invalid.
[[nodiscard]] std::optional<HostSettings> read_host_settings(const os::Host& host, const Paths& paths,
                                                             const TunnelName& name);

/// The settings of one tunnel on one host.
struct HostSettingsOf {
  std::string host;    ///< the name of its state directory
  std::string tunnel;  ///< its name; the tunnel file may be gone
  HostSettings settings;
};
/// Of every tunnel and host of this home.
[[nodiscard]] std::vector<HostSettingsOf> host_settings(const os::Host& host, const Paths& paths);

/// The text of the shared tunnel file: without this host's settings.
[[nodiscard]] std::string format_shared(const Tunnel& tunnel);

/// The other hosts of this home where a tunnel of that name is set up.
[[nodiscard]] std::vector<std::string> other_hosts_with(const os::Host& host, const Paths& paths,
                                                        const TunnelName& name);

/// Identifies this machine when its host name changes: a hash of /etc/machine-id, which itself must stay private
/// (machine-id(5)). Empty when there is no machine id.
[[nodiscard]] std::string machine_mark(const os::Host& host);

}  // namespace holdfast::store
