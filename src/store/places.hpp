// Where everything of a tunnel lives: CONTRACT "Files".
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <vector>

namespace holdfast::store {

namespace fs = boost::filesystem;

/// The directories of one scope on this host.
struct Places {
  Scope scope = Scope::user;
  fs::path config;     ///< ~/.config/holdfast or /etc/holdfast
  fs::path tunnels;    ///< config / "tunnels"
  fs::path templates;  ///< config / "templates"
  fs::path state;      ///< ~/.local/state/holdfast/HOSTNAME or /var/lib/holdfast
  mode_t file_mode = 0600;       ///< of a tunnel file: 0600, 0644 in the system scope
  mode_t directory_mode = 0700;  ///< 0700, 0755 in the system scope

  [[nodiscard]] fs::path tunnel_file(const TunnelName& name) const { return tunnels / (name.text() + ".conf"); }
  /// log, history and so on: state/NAME.suffix; /var/lib/holdfast/NAME/NAME.suffix in the system scope.
  [[nodiscard]] fs::path state_file(const TunnelName& name, const std::string& suffix) const;
  [[nodiscard]] fs::path state_directory(const TunnelName& name) const;  ///< the directory state_file() is in
};

/// An error when no home is known or the XDG value is not absolute.
[[nodiscard]] Result<Places> places(Scope scope, const os::Host& host);

/// What lies in a tunnel's runtime directory. Names are short: a control socket's path has 90 bytes.
struct RuntimeFiles {
  fs::path directory;
  fs::path control;   ///< ssh's control socket
  fs::path lock;      ///< held by the supervisor
  fs::path live;      ///< live state, JSON
  fs::path pidfile;   ///< written by the nohup backend
  fs::path ssh_log;   ///< ssh -E
  fs::path ssh_err;   ///< ssh's stderr
};
/// All of them lie directly in `directory`, named by a short hash of the tunnel's name (control) or NAME.suffix.
[[nodiscard]] RuntimeFiles runtime_files(const TunnelName& name, const fs::path& directory);

/// The first of $candidates that is ours: [XDG_RUNTIME_DIR/holdfast if `lingering`], then /tmp, /var/tmp, /dev/shm
/// + /holdfast-UID; made if missing. `passed_over` gets a line for each squatter. Never used in the system scope
/// (there it is /run/holdfast/NAME).
[[nodiscard]] Result<fs::path> choose_runtime_directory(const os::Host& host, bool lingering,
                                                        std::vector<std::string>& passed_over);

/// /run/holdfast/NAME
[[nodiscard]] fs::path system_runtime_directory(const TunnelName& name);

}  // namespace holdfast::store
