// What logind does to a user's processes when the last session ends: logind.conf(5), loginctl(1).
#pragma once

#include "backends/plan/plan.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

/// True when the user's manager is kept from boot on and after the last logout. Reads the very file that logind
/// looks at (it answers `loginctl show-user -p Linger` from it): no command.
[[nodiscard]] bool is_lingering(const os::Host& host, const os::User& user);

enum class Permission { granted, refused, unknown };
/// Whether this user may turn its own linger on without a password, as polkit says; unknown where polkit cannot be
/// asked.
[[nodiscard]] Permission linger_permission(const os::Host& host);

/// Turns linger on, if it is off, or says why not; undone, it is off again. Nothing asks for a password.
[[nodiscard]] Plan linger_on(const os::User& user, const os::Host& host);
/// What an administrator types in its stead.
[[nodiscard]] std::string linger_remedy(const os::User& user);
/// For whoever knows that holdfast turned it on and that nobody else needs it.
[[nodiscard]] Plan linger_off(const os::User& user);
/// True when something of the user's own besides holdfast is enabled in its manager and would lose by linger going off;
/// also true when that cannot be found out.
[[nodiscard]] bool has_other_linger_users(const os::Host& host);

/// Whether logind ends this user's processes when their session ends (KillUserProcesses=, KillOnlyUsers=,
/// KillExcludeUsers=). False where there is no logind; nothing where there is one that does not answer.
[[nodiscard]] std::optional<bool> ask_kill_policy(const os::Host& host, const os::User& user);
/// The same, and what could be taken for granted by nobody is not: a logind that does not answer may end them.
[[nodiscard]] bool kills_user_processes(const os::Host& host, const os::User& user);

/// Where in the tree of control groups a process lives, as far as a logout is concerned.
enum class ControlGroup {
  session,       ///< session-N.scope: KillUserProcesses decides
  user_manager,  ///< user@UID.service: ends with the manager, which without linger ends with the last session
  elsewhere,     ///< a system service, a container without logind: no logout ends it
};
/// From the text of /proc/PID/cgroup, cgroups(7): version 2 or systemd's named hierarchy.
[[nodiscard]] ControlGroup control_group_from(std::string_view proc_cgroup);
/// Of `pid`, or of this process when 0.
[[nodiscard]] ControlGroup control_group(const os::Host& host, pid_t pid);

/// True when a process there outlives its user's last logout.
[[nodiscard]] bool survives_logout(ControlGroup group, const os::Host& host, const os::User& user);
/// Where it does not: why, as it stands after a colon.
[[nodiscard]] std::string why_not_logout(ControlGroup group, const os::Host& host, const os::User& user);

}  // namespace holdfast::backends
