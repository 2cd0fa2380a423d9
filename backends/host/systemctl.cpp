#include "backends/host/systemctl.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::backends {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_query_deadline{5000};
constexpr milliseconds k_unit_path_deadline{2000};
constexpr milliseconds k_reload_deadline{60000};  // daemon-reload runs every generator
constexpr milliseconds k_start_deadline{35000};   // TimeoutStartSec=30
constexpr milliseconds k_stop_deadline{45000};    // TimeoutStopSec=15 for the job, again for ExecStopPost, and slack

constexpr int k_not_loaded = 5;  // systemctl(1): "the unit is not loaded", LSB "not installed"

// The C locale, so that the output can be parsed; no pager and no colours.
os::Environment base_environment(const os::Host& host) {
  os::Environment environment;
  for (const char* name : {"PATH", "HOME", "USER", "LOGNAME"})
    if (auto value = host.env(name)) environment[name] = *value;
  environment["LC_ALL"] = "C";
  environment["SYSTEMD_COLORS"] = "0";
  environment["SYSTEMD_PAGER"] = "";
  return environment;
}

bool is_socket(const os::Host& host, const fs::path& path) { return host.status(path).kind == os::FileKind::socket; }

// As systemctl shows one of several strings that has special characters: shell_maybe_quote() of systemd.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
    out += c;
  }
  return out + '"';
}

fs::path wants_directory(const fs::path& unit_directory, const std::string& target) {
  return unit_directory / (target + ".wants");
}

/// Takes ExecStart= out of the unit's drop-ins. Their other settings stay.
Plan restore_command(const fs::path& unit_file, const os::Host& host) {
  Plan plan;
  const fs::path directory = unit_file.string() + ".d";
  for (const auto& name : host.list(directory)) {
    const auto text = host.read_file(directory / name);
    if (!name.ends_with(".conf") || !text) continue;
    std::string kept;
    bool has_settings = false;
    for (const auto& line : split(*text, '\n')) {
      if (line.starts_with("ExecStart=")) continue;
      has_settings = has_settings || line.find('=') != std::string::npos;
      kept += line + '\n';
    }
    kept.pop_back();  // of the part after the last line break
    if (kept == *text) continue;
    if (has_settings)
      plan.emplace_back(WriteFile{directory / name, std::move(kept), 0644, 0755});
    else
      plan.emplace_back(RemoveFile{directory / name});
  }
  if (!plan.empty()) plan.emplace_back(RemoveEmptyDirectory{directory});
  return plan;
}

}  // namespace

bool is_booted_with_systemd(const os::Host& host) {
  return host.status("/run/systemd/system").kind == os::FileKind::directory;
}

Systemctl Systemctl::of_machine(const os::Host& host) { return {false, base_environment(host)}; }

Systemctl Systemctl::of_user(const os::Host& host, const fs::path& runtime_directory) {
  auto environment = base_environment(host);
  environment["XDG_RUNTIME_DIR"] = runtime_directory.string();
  if (is_socket(host, runtime_directory / "bus"))
    environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + (runtime_directory / "bus").string();
  return {true, std::move(environment)};
}

os::Command Systemctl::command(std::vector<std::string> arguments) const {
  std::vector<std::string> argv{"systemctl"};
  if (user_) argv.emplace_back("--user");
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  return os::Command{std::move(argv), environment_, {}};
}

os::Command Systemctl::run_command(std::vector<std::string> arguments) const {
  std::vector<std::string> argv{"systemd-run"};
  if (user_) argv.emplace_back("--user");
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  return os::Command{std::move(argv), environment_, {}};
}

std::optional<Systemctl> user_manager(const os::Host& host) {
  std::vector<fs::path> candidates;
  if (const auto given = host.env("XDG_RUNTIME_DIR"); given && given->starts_with('/')) candidates.emplace_back(*given);
  candidates.emplace_back(fmt::format("/run/user/{}", host.user().uid));
  for (const auto& directory : candidates) {
    const auto status = host.status(directory);
    if (status.kind != os::FileKind::directory || status.owner != host.user().uid) continue;
    if (is_socket(host, directory / "systemd/private")) return Systemctl::of_user(host, directory);
  }
  return std::nullopt;
}

fs::path user_unit_directory(const os::Host& host) {
  auto usual = host.user().home / ".config/systemd/user";
  const auto manager = user_manager(host);
  if (!manager) return usual;
  const auto answer = host.run(manager->command({"show", "--property=UnitPath", "--value"}), k_unit_path_deadline);
  if (!answer || !answer->ok()) return usual;
  const auto unit_path = fmt::format(" {} ", trim(answer->out));
  for (const auto& directory : {usual, fs::path(host.env("XDG_CONFIG_HOME").value_or("")) / "systemd/user"})
    for (const auto& shown : {directory.string(), quoted(directory.string())})
      if (unit_path.find(fmt::format(" {} ", shown)) != std::string::npos) return directory;
  // The first persistent one is the user's own.
  for (const auto& directory : split_words(unit_path))
    if (directory.starts_with('/') && directory.ends_with("/systemd/user") && !directory.starts_with("/run/"))
      return directory;
  return usual;
}

std::string unit_name(const TunnelName& name) { return "holdfast-" + name.text() + ".service"; }

std::vector<std::string> parse_unit_files(std::string_view list_unit_files) {
  std::vector<std::string> units;
  for (const auto& line : split(list_unit_files, '\n'))
    if (auto columns = split_words(line); !columns.empty()) units.push_back(std::move(columns[0]));
  return units;
}

Plan reload_manager(const Systemctl& manager) {
  return {Run{manager.command({"daemon-reload"}), {}, false, k_reload_deadline, {}}};
}

Plan start_unit(const Systemctl& manager, const TunnelName& name) {
  // OnUnwind, not undo: after a failed or timed-out start the unit may still be starting.
  return {OnUnwind{manager.command({"stop", unit_name(name)})},
          Run{manager.command({"start", unit_name(name)}), {}, false, k_start_deadline, {}}};
}

Plan stop_unit(const Systemctl& manager, const TunnelName& name) {
  return {Run{manager.command({"stop", unit_name(name)}), {}, false, k_stop_deadline, {k_not_loaded}},
          Run{manager.command({"reset-failed", unit_name(name)}), {}, true, k_query_deadline, {}}};
}

Plan restart_unit(const Systemctl& manager, const TunnelName& name) {
  return {Run{manager.command({"restart", unit_name(name)}), {}, false, k_start_deadline + k_stop_deadline, {}}};
}

Plan install_unit(const Systemctl& manager, const TunnelName& name, const fs::path& unit_directory,
                  std::string unit_text, const std::string& target, const os::Host& host) {
  const auto unit = unit_name(name);
  const auto wants = wants_directory(unit_directory, target);
  Plan plan{OnUnwind{manager.command({"daemon-reload"})}};
  // A mask is a link to /dev/null, which is no file to read.
  if (host.status(unit_directory / unit).kind == os::FileKind::symlink && !host.read_file(unit_directory / unit))
    plan.emplace_back(RemoveFile{unit_directory / unit});
  for (auto& step : restore_command(unit_directory / unit, host)) plan.push_back(std::move(step));
  // World-readable: systemd shows the unit to everybody anyway, and warns about other modes.
  plan.emplace_back(WriteFile{unit_directory / unit, std::move(unit_text), 0644, 0755});
  plan.push_back(reload_manager(manager).front());
  if (host.status(wants / unit).kind == os::FileKind::missing) {
    plan.emplace_back(MakeDirectory{wants, 0755});
    plan.emplace_back(Run{manager.command({"--quiet", "enable", unit}), manager.command({"--quiet", "disable", unit})});
  }
  return plan;
}

Plan remove_unit(const std::optional<Systemctl>& manager, const TunnelName& name, const fs::path& unit_directory,
                 const std::string& target) {
  const auto unit = unit_name(name);
  Plan plan;
  if (manager) {
    for (auto& step : stop_unit(*manager, name)) plan.push_back(std::move(step));
    plan.emplace_back(OnUnwind{manager->command({"daemon-reload"})});
    plan.emplace_back(
        Run{manager->command({"--quiet", "disable", unit}), manager->command({"--quiet", "enable", unit}), true});
  }
  // `disable` removes the link, unless no manager runs or the unit file was removed by hand.
  plan.emplace_back(RemoveFile{wants_directory(unit_directory, target) / unit});
  plan.emplace_back(RemoveFile{unit_directory / unit});
  if (manager) {
    plan.push_back(reload_manager(*manager).front());
    // A failed unit stays loaded after its file is gone, until reset-failed.
    plan.emplace_back(Run{manager->command({"reset-failed", unit}), {}, true, k_query_deadline, {}});
  }
  return plan;
}

}  // namespace holdfast::backends
