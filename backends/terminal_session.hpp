// What tmux and screen have in common: a session with no terminal yet, in which the supervisor runs.
#pragma once

#include "backends/backend.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::backends {

/// env(1) -i KEY=VALUE… and the job's argv: nothing of the session's own environment reaches the job. Refuses a program
/// that env would take for a variable.
[[nodiscard]] Result<std::vector<std::string>> in_clean_environment(const Job& job, const os::Host& host);

/// The environment for the session's own program: nothing of the login's that would lead it to the user's own server
/// (TMUX, STY) or to another place (TMPDIR, TMUX_TMPDIR, SCREENDIR).
[[nodiscard]] os::Environment session_environment(const os::Host& host);

/// The command as it is or, where logind would end what it starts with this login and linger keeps the user's manager,
/// in a scope of that manager: systemd-run(1).
[[nodiscard]] os::Command outliving_login(os::Command command, const os::Host& host);

/// What a session survives that is started here and now; `what` begins the reason: "a detached tmux session".
[[nodiscard]] Fitness session_fitness(const std::string& what, const os::Host& host);

/// What the one survives whose process is `pidfile`'s, or would be if it were started now.
[[nodiscard]] Survives session_survives(const fs::path& pidfile, const os::Host& host);

/// One answer for each job, by its tunnel file and its pidfile: no command.
[[nodiscard]] std::vector<Registration> query_pidfiles(std::span<const Job> jobs, const os::Host& host);

/// True for a directory of our own that is closed to all others: a socket in it is what we think it is.
[[nodiscard]] bool is_private_directory(const fs::path& directory, const os::Host& host);

/// The first place for runtime files that is such a directory already (setup has made one), else the first of all.
[[nodiscard]] fs::path proving_directory(const os::Host& host);

}  // namespace holdfast::backends
