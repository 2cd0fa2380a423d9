// The common base of tmux and screen: the supervisor runs in a detached terminal session.
#pragma once

#include "backends/pidfile_backend.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::backends {

class TerminalSession : public PidfileBackend {
 public:
  [[nodiscard]] Fitness assess(const os::Host& host) const override;
  [[nodiscard]] Survives survives(const Job& job, const os::Host& host) const override;
};

/// `env -i KEY=VALUE… ARGV…`: the job gets its own environment and none of the session's. Refuses a program path that
/// contains "=", which env(1) would read as a variable.
[[nodiscard]] Result<std::vector<std::string>> in_clean_environment(const Job& job, const os::Host& host);

/// The same for `PROGRAM version`: what prove() runs in a session.
[[nodiscard]] Result<std::vector<std::string>> proof_command(const Job& job, const os::Host& host);

/// The environment of tmux or screen itself: without the variables of the login that select the user's own server
/// (TMUX, STY) or another directory (TMPDIR, TMUX_TMPDIR, SCREENDIR).
[[nodiscard]] os::Environment session_environment(const os::Host& host);

/// Makes what `command` starts outlive the login. Where logind would kill it and linger keeps the user manager running,
/// the command is run in a scope of that manager (systemd-run(1)); elsewhere it is returned unchanged.
[[nodiscard]] os::Command outliving_login(os::Command command, const os::Host& host);

/// True for a directory that belongs to this user and is closed to all others: every socket in it is this user's.
[[nodiscard]] bool is_private_directory(const fs::path& directory, const os::Host& host);

/// The directory for prove(): the first existing private candidate for runtime files (setup makes one), else the first.
[[nodiscard]] fs::path proving_directory(const os::Host& host);

}  // namespace holdfast::backends
