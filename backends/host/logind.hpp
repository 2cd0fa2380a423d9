// Whether logind ends a user's processes when the last session ends: logind.conf(5), loginctl(1).
#pragma once

#include "backends/plan/plan.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

/// True when linger is on: logind starts the user's manager at boot and keeps it after the last logout. Reads the file
/// that logind itself uses, without a command.
[[nodiscard]] bool is_lingering(const os::Host& host, const os::User& user);

enum class Permission { granted, refused, unknown };
/// Whether polkit lets this user turn on linger for itself without a password; `unknown` when polkit does not answer.
[[nodiscard]] Permission linger_permission(const os::Host& host);

/// Turns linger on if it is off; undone by turning it off. Never asks for a password.
[[nodiscard]] Plan linger_on(const os::User& user, const os::Host& host);
/// The command by which an administrator turns it on.
[[nodiscard]] std::string linger_remedy(const os::User& user);
/// Turns linger off. The caller knows that holdfast turned it on, and that nothing else needs it.
[[nodiscard]] Plan linger_off(const os::User& user);
/// True when the user has enabled or started other units than holdfast's, which need linger too, or when that cannot be
/// determined. Units that belong to a session, such as those of a desktop, do not count.
[[nodiscard]] bool has_other_linger_users(const os::Host& host);

/// Whether logind kills this user's processes when their session ends (KillUserProcesses=, KillOnlyUsers=,
/// KillExcludeUsers=). False without logind; empty when logind does not answer.
[[nodiscard]] std::optional<bool> kill_policy(const os::Host& host, const os::User& user);
/// The same; true when logind does not answer.
[[nodiscard]] bool kills_user_processes(const os::Host& host, const os::User& user);

/// The control group of a process, as far as a logout is concerned.
enum class ControlGroup {
  session,       ///< session-N.scope: KillUserProcesses= decides
  user_manager,  ///< user@UID.service: ends with the manager, which without linger ends with the last session
  elsewhere,     ///< a system service, or a container without logind: survives every logout
};
/// Parses the text of /proc/PID/cgroup, cgroups(7): version 2, or systemd's named hierarchy.
[[nodiscard]] ControlGroup control_group_from(std::string_view proc_cgroup);
/// The group of `pid`, or of this process when `pid` is 0.
[[nodiscard]] ControlGroup control_group(const os::Host& host, pid_t pid);

/// True when a process in `group` survives the user's last logout.
[[nodiscard]] bool survives_logout(ControlGroup group, const os::Host& host, const os::User& user);
/// The reason why the process does not survive it, as text after a colon.
[[nodiscard]] std::string why_not_logout(ControlGroup group, const os::Host& host, const os::User& user);

}  // namespace holdfast::backends
