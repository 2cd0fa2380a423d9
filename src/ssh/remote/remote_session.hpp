// The sshd process of one of our sessions on the bastion, and a command there that ends a stale one. Needs a key that
// may run commands, and Linux with a readable /proc on the bastion.
#pragma once

#include "core/destination.hpp"
#include "ssh/client/arguments.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// Identifies the sshd process of one login uniquely, even if its pid is reused.
struct RemoteSession {
  std::string boot;       ///< boot id of the machine, since several may share one name
  std::uint32_t pid = 0;  ///< above 1
  std::string start;      ///< start time in clock ticks since boot, proc_pid_stat(5)
  bool operator==(const RemoteSession&) const = default;
};

/// Nothing when one of the three is invalid.
[[nodiscard]] std::optional<RemoteSession> remote_session_from(std::string_view boot, std::string_view pid,
                                                               std::string_view start);

/// `ssh … -- BASTION COMMAND` over the master that listens on `control`, never over a login of its own. Without `stale`
/// the command prints its own session; with it, it ends that session. The command is a constant text, and the parts of
/// `stale` are digits and a boot id.
[[nodiscard]] std::vector<std::string> remote_command_line(const Client& client, const fs::path& control,
                                                           const Destination& bastion,
                                                           const std::optional<RemoteSession>& stale);

/// Reads the output of the command without `stale`; start-up files of the shell may print before it.
[[nodiscard]] std::optional<RemoteSession> parse_remote_session(std::string_view output);

enum class TakeoverResult {
  ended,
  gone,       ///< the session had already ended: something else holds the port
  elsewhere,  ///< the session is on another machine of that name, or from before a reboot
  refused,    ///< the session is there and cannot be ended
  not_run,    ///< no answer: the key may not run commands, or processes are hidden
};
[[nodiscard]] TakeoverResult parse_takeover_result(std::string_view output);

}  // namespace holdfast::ssh
