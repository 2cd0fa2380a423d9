// Our own session on the bastion: known there by a process that is told from all others that ever had its number, and
// ended there when nothing from here can. Needs a key that may run a command, and Linux with a readable /proc there.
#pragma once

#include "core/destination.hpp"
#include "ssh/client/arguments.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// The sshd process of one login, as the bastion names it.
struct RemoteSession {
  std::string boot;       ///< boot id of the machine: of several behind one name it tells which, and since when
  std::uint32_t pid = 0;  ///< above 1
  std::string start;      ///< digits: clock ticks since the boot, proc_pid_stat(5)
  bool operator==(const RemoteSession&) const = default;
};

/// Nothing unless each of the three is what it has to be.
[[nodiscard]] std::optional<RemoteSession> remote_session_from(std::string_view boot, std::string_view pid,
                                                               std::string_view start);

/// `ssh … -- BASTION COMMAND` over the master that listens on `control`; never a login of its own. The command is the
/// same for every tunnel; of `stale` it is given digits and the letters of a boot id. Without `stale` it tells which
/// session it runs in itself; with it, it ends that one.
[[nodiscard]] std::vector<std::string> remote_command_line(const Client& client, const fs::path& control,
                                                           const Destination& bastion,
                                                           const std::optional<RemoteSession>& stale);

/// What the command without `stale` said, among whatever a start-up file there prints.
[[nodiscard]] std::optional<RemoteSession> parse_remote_session(std::string_view said);

enum class TakeoverResult {
  ended,
  gone,       ///< it is not there any more: what holds the port is something else
  elsewhere,  ///< it was on another machine of that name, or before this one was started
  refused,    ///< it is there and cannot be ended
  not_run,    ///< no answer of the command's: it may not be run there, or sees no processes
};
[[nodiscard]] TakeoverResult parse_takeover_result(std::string_view said);

}  // namespace holdfast::ssh
