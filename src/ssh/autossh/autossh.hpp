// autossh(1), the alternative engine: its program, arguments, environment and log. See autossh_process.hpp for its
// process.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// Finds autossh in PATH and runs `autossh -V`. The hint of an Error is the install command of this host's package
/// tool.
[[nodiscard]] Result<fs::path> find_autossh(const os::Host& host);

/// `autossh -M 0 -N -S CTL -E LOG -o … -R … -- -- DEST`: autossh consumes -M and the first "--" and passes the rest to
/// ssh.
[[nodiscard]] std::vector<std::string> autossh_arguments(const fs::path& autossh, const Client& client,
                                                         const Tunnel& tunnel, const fs::path& control,
                                                         const fs::path& log);

/// `base` (job_environment(), without AUTOSSH_* variables) plus the settings of autossh: never give up (GATETIME 0),
/// the ssh to run, and the log.
[[nodiscard]] os::Environment autossh_environment(os::Environment base, const Client& client, const fs::path& log);

/// One line of the autossh log.
struct AutosshLine {
  enum class Kind {
    other,
    ssh_started,  ///< `pid` is the new child
    ssh_ended,    ///< it exited or was killed; autossh restarts it or exits too
    sleeping,     ///< for `wait`, before the next start of ssh
    detail,       ///< not worth showing
  } kind = Kind::other;
  pid_t pid = 0;
  std::chrono::seconds wait{0};
  std::optional<int> exit_code = {};  ///< of an ssh that ended: 128 + signal, if a signal ended it
  std::string text;                   ///< without date, program and pid
};
[[nodiscard]] AutosshLine read_autossh_line(std::string_view line);

/// Refuses a tunnel that autossh cannot run: a socket path that ssh would expand on its command line, or `host = any`.
[[nodiscard]] Result<> check_for_autossh(const Tunnel& tunnel);

/// The `ssh -G` command for added_forwards().
[[nodiscard]] os::Command show_configuration(const Client& client, const Tunnel& tunnel,
                                             const os::Environment& environment);

/// The forwards that the user's configuration adds ("localforward 8080 …"), from the output of that command. The ssh of
/// autossh cannot leave them out, and fails when the port of one is busy.
[[nodiscard]] std::vector<std::string> added_forwards(std::string_view configuration);

/// The Error for a tunnel with added_forwards().
[[nodiscard]] Error has_added_forwards(const Tunnel& tunnel, const std::vector<std::string>& forwards);

}  // namespace holdfast::ssh
