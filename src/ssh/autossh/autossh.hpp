// autossh(1), the other engine: found, given the arguments of our ssh, and understood by what it logs. Its process is
// ssh/autossh/autossh_process.hpp.
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

/// autossh, looked for in PATH and asked for its version. An Error's hint is the command that installs it, by the
/// package tool that this host has.
[[nodiscard]] Result<fs::path> find_autossh(const os::Host& host);

/// `autossh -M 0 -N -S CTL -E LOG -o … -R … -- -- DEST`: autossh takes -M and the first "--" for itself and hands all
/// else on to ssh.
[[nodiscard]] std::vector<std::string> autossh_arguments(const fs::path& autossh, const Client& client,
                                                         const Tunnel& tunnel, const fs::path& control,
                                                         const fs::path& log);

/// `base` (job_environment, so nothing named AUTOSSH_* is inherited) and what autossh is told by variables: never to
/// give up (GATETIME 0), which ssh to run, and where to log.
[[nodiscard]] os::Environment autossh_environment(os::Environment base, const Client& client, const fs::path& log);

/// What one line of autossh's log tells.
struct AutosshLine {
  enum class Kind {
    other,
    ssh_started,  ///< `pid` is its child now
    ssh_ended,    ///< by itself, or killed; autossh goes on or ends with it, which it says in the same line
    sleeping,     ///< for `wait`, until it starts ssh again
    detail,       ///< of no interest to a person
  } kind = Kind::other;
  pid_t pid = 0;
  std::chrono::seconds wait{0};
  std::optional<int> exit_code = {};  ///< of an ssh that ended: 128 + signal, if a signal ended it
  std::string text;                   ///< without date, program and pid
};
[[nodiscard]] AutosshLine read_autossh_line(std::string_view line);

/// Whether autossh can have this tunnel: its forwards must be words that ssh takes from a command line as they are, and
/// no other host may have it in turn.
[[nodiscard]] Result<> check_for_autossh(const Tunnel& tunnel);

/// The command that shows what ssh makes of its configuration for this tunnel (`ssh -G`): see added_forwards().
[[nodiscard]] os::Command show_configuration(const Client& client, const Tunnel& tunnel,
                                             const os::Environment& environment);

/// From what that command printed: the forwards that the configuration adds to ours ("localforward 8080 …"). autossh's
/// ssh cannot leave them out, and with one of them taken it would never be up.
[[nodiscard]] std::vector<std::string> added_forwards(std::string_view configuration);

/// The Error for added_forwards() that are not empty.
[[nodiscard]] Error has_added_forwards(const Tunnel& tunnel, const std::vector<std::string>& forwards);

}  // namespace holdfast::ssh
