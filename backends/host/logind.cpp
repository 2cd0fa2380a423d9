#include "backends/host/logind.hpp"

#include "backends/host/systemctl.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_deadline{2000};

const char* const k_linger_directory = "/var/lib/systemd/linger";

std::string name_of(const os::Host& host, const os::User& user) {
  if (!user.name.empty()) return user.name;
  const auto answer = host.run(os::Command{{"id", "-un"}, {}, {}}, k_deadline);
  return answer && answer->ok() ? std::string(trim(answer->out)) : std::string();
}

// Without a user argument, logind looks for the caller's session. Processes of cron or su have no session, so logind
// answers "No such device or address". For the caller's own name, polkit checks the same action: set-self-linger.
std::string user_argument(const os::User& user) { return user.name.empty() ? std::to_string(user.uid) : user.name; }

os::Command linger_command(const char* verb, const os::User& user) {
  return {{"loginctl", "--no-ask-password", verb, user_argument(user)}, {}, {}};
}

// busctl(1) prints an array of two strings like this: `as 2 "root" "ann"`. "as" is the D-Bus type.
bool lists(std::string_view property, std::string_view name) {
  return property.find(fmt::format("\"{}\"", name)) != std::string_view::npos;
}

/// True for a unit that runs because of the user, not because of the session: it ends with the user manager.
/// `properties`: one unit of `systemctl show`.
bool is_job_of_user(const std::map<std::string, std::string>& properties) {
  const auto get = [&](const char* key) {
    const auto found = properties.find(key);
    return found == properties.end() ? std::string() : found->second;
  };
  const auto unit = get("Id");
  const auto state = get("ActiveState");
  if (unit.empty() || unit == "init.scope" || unit.starts_with("holdfast-")) return false;
  if (state != "active" && state != "activating" && state != "reloading") return false;
  // A desktop's own: programs that it started, terminals, services that its bus activated.
  const bool of_desktop = unit.ends_with("@autostart.service") || unit.starts_with("dbus-:") ||
                          (unit.ends_with(".scope") && (unit.starts_with("app-") || unit.starts_with("vte-spawn-")));
  if (of_desktop) return false;
  const auto file = get("FragmentPath");
  const bool is_vendors = std::ranges::any_of(std::array{"/usr/", "/lib/", "/etc/"},
                                              [&](const char* top) { return file.starts_with(top); });
  // A vendor's unit that nobody enabled, and nothing else pulls in, was started by hand.
  return !is_vendors || get("UnitFileState") == "disabled";
}

/// True when a unit of the user's runs now, enabled or not: one of systemd-run, or of a podman quadlet. Also when the
/// manager does not answer.
bool runs_job_of_user(const Systemctl& manager, const os::Host& host) {
  const auto shown = host.run(manager.command({"show", "--property=Id,ActiveState,FragmentPath,UnitFileState",
                                               "*.service", "*.scope", "*.timer", "*.path", "*.socket"}),
                              k_deadline);
  if (!shown || !shown->ok()) return true;
  std::map<std::string, std::string> unit;
  for (const auto& line : split(shown->out + "\n", '\n')) {
    if (const auto end = line.find('='); end != std::string::npos) {
      unit[line.substr(0, end)] = line.substr(end + 1);
      continue;
    }
    if (is_job_of_user(unit)) return true;
    unit.clear();
  }
  return false;
}

}  // namespace

bool is_lingering(const os::Host& host, const os::User& user) {
  const auto name = name_of(host, user);
  if (name.empty() || name.find('/') != std::string::npos) return false;
  return host.status(fs::path(k_linger_directory) / name).kind == os::FileKind::regular;
}

Permission linger_permission(const os::Host& host) {
  if (host.user().uid == 0) return Permission::granted;
  if (!host.find_program("pkcheck")) return Permission::unknown;
  const auto answer = host.run(os::Command{{"pkcheck", "--action-id", "org.freedesktop.login1.set-self-linger",
                                            "--process", std::to_string(::getpid())},
                                           {},
                                           {}},
                               k_deadline);
  if (!answer || answer->timed_out) return Permission::unknown;
  switch (answer->exit_code) {  // pkcheck(1)
    case 0:
      return Permission::granted;
    case 1:  // refused
    case 2:  // needs a password
    case 3:  // the password dialog was dismissed
      return Permission::refused;
    default:
      return Permission::unknown;
  }
}

Plan linger_on(const os::User& user, const os::Host& host) {
  if (is_lingering(host, user)) return {};
  return {Run{linger_command("enable-linger", user), linger_command("disable-linger", user)}};
}

std::string linger_remedy(const os::User& user) { return "sudo loginctl enable-linger " + user_argument(user); }

Plan linger_off(const os::User& user) {
  return {Run{linger_command("disable-linger", user), linger_command("enable-linger", user)}};
}

bool has_other_linger_users(const os::Host& host) {
  const auto manager = user_manager(host);
  if (!manager || runs_job_of_user(*manager, host)) return true;
  const auto listed = host.run(
      manager->command({"list-unit-files", "--state=enabled", "--no-legend", "--plain", "--no-pager", "--full"}),
      k_deadline);
  // When no unit matches, systemctl exits with 1 and prints nothing.
  const bool none =
      listed && !listed->timed_out && listed->exit_code == 1 && listed->out.empty() && listed->err.empty();
  if (none) return false;
  if (!listed || !listed->ok()) return true;
  const auto units = parse_unit_files(listed->out);
  const auto home_units = user_unit_directory(host);
  // A preset enables vendor units for every user. A unit that this user wrote or enabled has a file or a link in the
  // user's own directory.
  return std::any_of(units.begin(), units.end(), [&](const std::string& unit) {
    if (unit.starts_with("holdfast-")) return false;
    if (host.status(home_units / unit).kind != os::FileKind::missing) return true;
    return std::ranges::any_of(host.list(home_units), [&](const std::string& entry) {
      return entry.ends_with(".wants") && host.status(home_units / entry / unit).kind != os::FileKind::missing;
    });
  });
}

std::optional<bool> kill_policy(const os::Host& host, const os::User& user) {
  const auto answer =
      host.run(os::Command{{"busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
                            "org.freedesktop.login1.Manager", "KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers"},
                           {},
                           {}},
               k_deadline);
  if (answer && answer->timed_out) return std::nullopt;
  if (!answer || !answer->ok()) return false;
  const auto lines = split(answer->out, '\n');
  if (lines.size() < 3 || trim(lines[0]) != "b true") return false;
  const auto name = name_of(host, user);
  if (lists(lines[2], name)) return false;
  return trim(lines[1]) == "as 0" || lists(lines[1], name);
}

bool kills_user_processes(const os::Host& host, const os::User& user) { return kill_policy(host, user).value_or(true); }

ControlGroup control_group_from(std::string_view proc_cgroup) {
  for (const auto& line : split(proc_cgroup, '\n')) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (!controllers.empty() && controllers != "name=systemd") continue;
    for (const auto& part : split(std::string_view(line).substr(second + 1), '/')) {
      if (part.starts_with("user@") && part.ends_with(".service")) return ControlGroup::user_manager;
      if (part.starts_with("session-") && part.ends_with(".scope")) return ControlGroup::session;
    }
  }
  return ControlGroup::elsewhere;
}

ControlGroup control_group(const os::Host& host, pid_t pid) {
  const auto text = host.read_file(fmt::format("/proc/{}/cgroup", pid == 0 ? "self" : std::to_string(pid)));
  return text ? control_group_from(*text) : ControlGroup::elsewhere;
}

bool survives_logout(ControlGroup group, const os::Host& host, const os::User& user) {
  switch (group) {
    case ControlGroup::session:
      return !kills_user_processes(host, user);
    case ControlGroup::user_manager:
      return is_lingering(host, user);
    case ControlGroup::elsewhere:
      break;
  }
  return true;
}

std::string why_not_logout(ControlGroup group, const os::Host& host, const os::User& user) {
  if (group != ControlGroup::session) return "it ends with your user manager when you log out";
  return kill_policy(host, user) ? "logind kills all your processes when you log out (KillUserProcesses=yes)"
                                 : "logind did not answer within 2 s: it may kill all your processes at logout";
}

}  // namespace holdfast::backends
