// What ssh said, and what it means: a table of known messages. ssh's exit status says nothing (255 for nearly all).
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::ssh {

/// Everything ssh left behind in one attempt. `log` (-E) is ssh's own word and decides first; `err` (its stderr) also
/// carries banners and ProxyCommand output, strangers' text, and counts only by whole known lines at its beginning
/// (before the log is open) and at its end ("Connection to H closed by remote host." is in no log).
struct Said {
  std::string log;
  std::string err;
  bool ended_by_signal = false;  ///< then only a known message explains the end, not the last line
};

/// The class, in plain words, with a hint that names this tunnel's bastion, key and ports. `unknown` quotes the last
/// line of the log, escaped. Nothing when ssh printed nothing that is known, or a signal ended it:
/// explain_silent_end(). A passphrase and a refused key look alike to ssh; only check_identity() (preflight.hpp) tells
/// them apart.
[[nodiscard]] std::optional<Diagnosis> diagnose(const Said& said, const Tunnel& tunnel);

/// `exit_code` of a process that os::Child started: 128 + signal, or 0, with which `ssh -N` ends on SIGTERM.
[[nodiscard]] bool was_ended_by_signal(int exit_code) noexcept;

/// How a process ended.
struct ProcessEnd {
  std::optional<int> exit_code = {};  ///< as above; nothing when the process was not our child
  std::string err_line = {};          ///< the last one of its stderr
};
[[nodiscard]] ProcessEnd process_end(std::optional<int> exit_code, const Said& said);

/// For an end that diagnose() does not explain. Only a process that a signal ended was killed; of any other the last
/// line of stderr is quoted, escaped.
[[nodiscard]] Diagnosis explain_silent_end(std::string_view program, const ProcessEnd& end);

/// The words and the hint for a class that was found without a message (a deadline, a mux answer, a dead probe).
[[nodiscard]] Diagnosis explain(FailureClass failure, const Tunnel& tunnel);

/// The same for one forward of the tunnel: forward_busy, forward_denied, target_down.
[[nodiscard]] Diagnosis explain(FailureClass failure, const Tunnel& tunnel, const Forward& forward);

/// After a forward was refused over the mux: true when the log (LogLevel=DEBUG1; at INFO there is nothing to see)
/// holds the server's word that it was not allowed. Otherwise the port is taken.
[[nodiscard]] bool says_forward_denied(std::string_view log) noexcept;

}  // namespace holdfast::ssh
