// The directories and files of a tunnel.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <vector>

namespace holdfast::store {

namespace fs = boost::filesystem;

/// The directories of one scope on this host.
struct Paths {
  Scope scope = Scope::user;
  fs::path config;               ///< ~/.config/holdfast or /etc/holdfast
  fs::path tunnels;              ///< config / "tunnels"
  fs::path templates;            ///< config / "templates"
  fs::path state;                ///< ~/.local/state/holdfast/HOSTNAME or /var/lib/holdfast
  mode_t file_mode = 0600;       ///< of a tunnel file; 0644 in the system scope
  mode_t directory_mode = 0700;  ///< 0755 in the system scope

  [[nodiscard]] fs::path tunnel_file(const TunnelName& name) const { return tunnels / (name.text() + ".conf"); }
  /// state/NAME.suffix; in the system scope /var/lib/holdfast/NAME/NAME.suffix.
  [[nodiscard]] fs::path state_file(const TunnelName& name, const std::string& suffix) const;
  [[nodiscard]] fs::path state_directory(const TunnelName& name) const;  ///< the directory of state_file()
};

/// An Error when HOME is not set. A relative XDG_CONFIG_HOME or XDG_STATE_HOME is ignored, as the XDG Base Directory
/// Specification requires.
[[nodiscard]] Result<Paths> paths(Scope scope, const os::Host& host);

/// The directory for a host name: the name itself, or "host-HASH" when it is no valid directory name.
[[nodiscard]] std::string host_directory_name(const std::string& hostname);

/// A socket path has at most 108 bytes (unix(7)), and ssh first binds its control socket with a random suffix.
inline constexpr std::size_t k_longest_control_path = 90;

/// An Error when the path of a control socket in `directory` would be too long.
[[nodiscard]] Result<> check_runtime_directory(const fs::path& directory);

/// The files in a tunnel's runtime directory.
struct RuntimeFiles {
  fs::path directory;
  fs::path control;  ///< ssh's control socket
  fs::path lock;     ///< held by the supervisor
  fs::path next;     ///< held by the supervisor that waits for `lock`
  fs::path live;     ///< live state, JSON
  fs::path pidfile;  ///< written by the nohup backend
  fs::path ssh_log;  ///< ssh -E
  fs::path ssh_err;  ///< ssh's stderr
  fs::path probe;    ///< short-lived socket forwarded to a socket on the bastion
  fs::path autossh_log;
  fs::path failback_probe;  ///< control socket of the login that probes a preferred bastion
  fs::path failback_log;    ///< its ssh -E
  fs::path failback_err;
};
/// Sockets are named by a short hash of the tunnel's name (k_longest_control_path), other files NAME.suffix.
[[nodiscard]] RuntimeFiles runtime_files(const TunnelName& name, const fs::path& directory);

/// The candidates for a user's runtime directory, best first: if `lingering`, XDG_RUNTIME_DIR/holdfast (default
/// /run/user/UID/holdfast), then holdfast-UID in /tmp, /var/tmp and /dev/shm. User scope only.
[[nodiscard]] std::vector<fs::path> runtime_directory_candidates(const os::Host& host, bool lingering);

/// The first candidate that is private to this user; makes it when it is missing. `passed_over` gets the reason for
/// each rejected one.
[[nodiscard]] Result<fs::path> choose_runtime_directory(const os::Host& host, bool lingering,
                                                        std::vector<std::string>& passed_over);
[[nodiscard]] Result<fs::path> choose_runtime_directory(const os::Host& host, const std::vector<fs::path>& candidates,
                                                        std::vector<std::string>& passed_over);

/// /run/holdfast/NAME
[[nodiscard]] fs::path system_runtime_directory(const TunnelName& name);

}  // namespace holdfast::store
