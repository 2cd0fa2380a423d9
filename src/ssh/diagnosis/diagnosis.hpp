// Explains from ssh's output why it ended. The exit status does not tell: it is 255 for nearly every failure.
#pragma once

#include "core/failure.hpp"
#include "core/timestamp.hpp"
#include "core/tunnel.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// The output of one ssh. `log` (-E) holds only messages of ssh itself and decides first. `err` (stderr) also holds
/// banners and ProxyCommand output, which anyone can write; only known whole lines count there: at its beginning,
/// before ssh opens the log, and at its end ("Connection to H closed by remote host." is not in the log).
struct SshOutput {
  std::string log;
  std::string err;
  bool ended_by_signal = false;              ///< then only a known message explains the end, not the last line
  std::optional<WallTime> at = {};           ///< when ssh ended; a message about an expired certificate shows it
  std::vector<Destination> jump_hosts = {};  ///< with their aliases resolved, in connection order; empty: not known
  std::string last_address = {};             ///< where this tunnel was up before, numeric; empty: not known
};

/// Class, message and a hint that names this tunnel's bastion, key and ports. `unknown` quotes the last line of the
/// log, escaped. Nothing when no known message explains the end, or a signal ended ssh: see explain_silent_end(). ssh
/// reports a passphrase like a refused key; check_identity() (preflight.hpp) distinguishes them.
[[nodiscard]] std::optional<Diagnosis> diagnose(const SshOutput& output, const Tunnel& tunnel);

/// `exit_code` of a process that os::Child started: 128 + signal, or 0, with which `ssh -N` ends on SIGTERM.
[[nodiscard]] bool was_ended_by_signal(int exit_code) noexcept;

/// How a process ended.
struct ProcessEnd {
  std::optional<int> exit_code = {};  ///< as above; nothing when the process was not our child
  std::string err_line = {};          ///< the last line of its stderr
};
[[nodiscard]] ProcessEnd process_end(std::optional<int> exit_code, const SshOutput& output);

/// For an end that diagnose() does not explain. Only a process that a signal ended counts as killed; otherwise the last
/// line of stderr is quoted, escaped.
[[nodiscard]] Diagnosis explain_silent_end(std::string_view program, const ProcessEnd& end);

/// Message and hint for a class that was found without a message of ssh: by a deadline, a mux answer or a probe.
[[nodiscard]] Diagnosis explain(FailureClass failure, const Tunnel& tunnel);

/// The same for one forward of the tunnel: forward_busy, forward_denied, target_down.
[[nodiscard]] Diagnosis explain(FailureClass failure, const Tunnel& tunnel, const Forward& forward);

/// For a bastion that accepts the login and then answers nothing.
inline constexpr const char* k_hint_for_lost_packets =
    "a firewall may drop packets that ssh marks after the login: holdfast setup … --ssh-option IPQoS=none";

/// After a forward was refused over the mux: true when the server's message in the log says that it is forbidden. Such
/// messages need LogLevel=DEBUG1. Without one the port is in use.
[[nodiscard]] bool says_forward_denied(std::string_view log) noexcept;

}  // namespace holdfast::ssh
