// Where everything of a tunnel lives: CONTRACT "Files".
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
  mode_t file_mode = 0600;       ///< of a tunnel file: 0600, 0644 in the system scope
  mode_t directory_mode = 0700;  ///< 0700, 0755 in the system scope

  [[nodiscard]] fs::path tunnel_file(const TunnelName& name) const { return tunnels / (name.text() + ".conf"); }
  /// log, history and so on: state/NAME.suffix; /var/lib/holdfast/NAME/NAME.suffix in the system scope.
  [[nodiscard]] fs::path state_file(const TunnelName& name, const std::string& suffix) const;
  [[nodiscard]] fs::path state_directory(const TunnelName& name) const;  ///< the directory state_file() is in
};

/// An error when no home is known. XDG_CONFIG_HOME and XDG_STATE_HOME count when they are absolute (a relative one is
/// invalid and to be ignored: XDG Base Directory Specification).
[[nodiscard]] Result<Paths> paths(Scope scope, const os::Host& host);

/// The host name as a directory's name: itself, or a stand-in when it could not be one.
[[nodiscard]] std::string host_directory_name(const std::string& hostname);

/// A control socket's path has 108 bytes less the random suffix that ssh binds it with first: unix(7).
inline constexpr std::size_t k_longest_control_path = 90;

/// An error when the control socket of a tunnel would not fit under `directory`.
[[nodiscard]] Result<> check_runtime_directory(const fs::path& directory);

/// What lies in a tunnel's runtime directory. Names are short: a control socket's path has 90 bytes.
struct RuntimeFiles {
  fs::path directory;
  fs::path control;  ///< ssh's control socket
  fs::path lock;     ///< held by the supervisor
  fs::path next;     ///< held by the one that waits for its turn
  fs::path live;     ///< live state, JSON
  fs::path pidfile;  ///< written by the nohup backend
  fs::path ssh_log;  ///< ssh -E
  fs::path ssh_err;  ///< ssh's stderr
  fs::path probe;    ///< a socket that leads to one of the bastion's, there for moments
  fs::path autossh_log;
  fs::path failback_probe;  ///< control socket of a login that only tries another bastion
  fs::path failback_log;    ///< its ssh -E
  fs::path failback_err;
};
/// All of them lie directly in `directory`, named by a short hash of the tunnel's name (control, probe, trial) or
/// NAME.suffix.
[[nodiscard]] RuntimeFiles runtime_files(const TunnelName& name, const fs::path& directory);

/// Where a user's runtime directory may be, best first: [XDG_RUNTIME_DIR/holdfast, else /run/user/UID/holdfast, if
/// `lingering`], then /tmp, /var/tmp, /dev/shm + /holdfast-UID. Never used in the system scope.
[[nodiscard]] std::vector<fs::path> runtime_directory_candidates(const os::Host& host, bool lingering);

/// The first of the candidates that is ours; made if missing. `passed_over` gets a line for each one that is not.
[[nodiscard]] Result<fs::path> choose_runtime_directory(const os::Host& host, bool lingering,
                                                        std::vector<std::string>& passed_over);
[[nodiscard]] Result<fs::path> choose_runtime_directory(const os::Host& host, const std::vector<fs::path>& candidates,
                                                        std::vector<std::string>& passed_over);

/// /run/holdfast/NAME
[[nodiscard]] fs::path system_runtime_directory(const TunnelName& name);

}  // namespace holdfast::store
