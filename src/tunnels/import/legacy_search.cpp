#include "tunnels/import/legacy_search.hpp"

#include "backends/host/crontab.hpp"
#include "backends/host/systemctl.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <iterator>

namespace holdfast::tunnels {
namespace {

constexpr std::size_t k_largest_file = 1 << 20;
constexpr std::chrono::seconds k_crontab_timeout{10};
constexpr std::string_view k_unit_prefix = "autossh-tunnel-";  // scitex-tunnel's
const fs::path k_machine_units = "/etc/systemd/system";
const fs::path k_system_crontab = "/etc/crontab";
const fs::path k_cron_directory = "/etc/cron.d";

/// Debian's cron ignores files with other names: cron(8). Such a file can be imported by its path.
bool is_read_by_cron(std::string_view name) {
  constexpr auto k_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.find_first_not_of(k_characters) == std::string_view::npos;
}

bool is_legacy_unit(std::string_view name) { return name.starts_with(k_unit_prefix) && name.ends_with(".service"); }

void append(std::vector<LegacyEntry>& entries, std::vector<LegacyEntry> more) {
  std::ranges::move(more, std::back_inserter(entries));
}

}  // namespace

Result<std::vector<LegacyEntry>> LegacySearch::everything() const {
  HOLDFAST_TRY(auto entries, units());
  if (is_system()) {
    append(entries, roots_crontab());
    append(entries, system_crontabs());
    return entries;
  }
  if (host_.find_program("crontab"))
    if (auto lines = own_crontab()) append(entries, std::move(*lines));
  append(entries, startup_files());
  return entries;
}

Result<std::vector<LegacyEntry>> LegacySearch::crontabs() const {
  if (!is_system()) return own_crontab();
  auto entries = roots_crontab();
  append(entries, system_crontabs());
  return entries;
}

Result<std::vector<LegacyEntry>> LegacySearch::named(const std::string& unit_or_file) const {
  std::vector<LegacyEntry> entries;
  if (unit_or_file.find('/') == std::string::npos) {
    HOLDFAST_TRY(auto entry, unit(unit_or_file.ends_with(".service") ? unit_or_file : unit_or_file + ".service"));
    entries.push_back(std::move(entry));
    return entries;
  }
  const fs::path path(unit_or_file);
  const fs::path file = path.is_absolute() ? path : host_.working_directory() / path;
  const bool is_cron_file = file == k_system_crontab || file.parent_path() == k_cron_directory;
  if (is_cron_file && !is_system())
    return usage_error("\"" + unit_or_file + "\"", "it belongs to root", "sudo holdfast import " + unit_or_file);
  if (!is_cron_file && is_system())
    return usage_error("\"" + unit_or_file + "\"", "a start-up file belongs to one user",
                       "name a unit, /etc/crontab or a file of /etc/cron.d, or add --user");
  HOLDFAST_TRY(const auto text, host_.read_file(file, k_largest_file));
  entries = is_cron_file ? read_system_crontab_lines(file, text, home_of())
                         : read_shell_lines(file, text, host_.user().home.string());
  if (entries.empty()) return Error{"importing", file.string(), "no line in it starts autossh"};
  return entries;
}

std::string LegacySearch::hint_at_system_scope() const {
  if (is_system()) return {};
  const auto hint = [](const std::string& where) { return "; " + where + " belongs to root: sudo holdfast import"; };
  for (const auto& name : host_.list(k_machine_units))
    if (name.starts_with(k_unit_prefix)) return hint(printable(name));
  if (const auto lines = system_crontabs(); !lines.empty()) return hint(printable(lines.front().where));
  return {};
}

fs::path LegacySearch::unit_directory() const {
  return is_system() ? k_machine_units : backends::user_unit_directory(host_);
}

Result<std::vector<LegacyEntry>> LegacySearch::units() const {
  std::vector<LegacyEntry> entries;
  for (const auto& name : host_.list(unit_directory())) {
    if (!is_legacy_unit(name)) continue;
    HOLDFAST_TRY(auto entry, unit(name));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<LegacyEntry> LegacySearch::unit(const std::string& name) const {
  const auto file = unit_directory() / name;
  HOLDFAST_TRY(const auto text, host_.read_file(file, k_largest_file));
  auto entry = read_unit(name, file, text, is_system() ? "/root" : host_.user().home.string());
  if (!host_.list(file.string() + ".d").empty())
    entry.command = Error{"importing", name, "it has drop-ins in " + file.string() + ".d"};
  return entry;
}

Result<std::vector<LegacyEntry>> LegacySearch::own_crontab() const {
  HOLDFAST_TRY(const auto answer, backends::read_crontab(host_, k_crontab_timeout));
  if (!answer.text) return std::vector<LegacyEntry>();
  return read_crontab_lines(*answer.text, host_.user().home.string());
}

std::vector<LegacyEntry> LegacySearch::roots_crontab() const {
  if (host_.user().uid != 0 || !host_.find_program("crontab")) return {};
  auto entries = own_crontab();
  if (!entries) return {};
  for (auto& entry : *entries) entry.user = "root";
  return std::move(*entries);
}

std::vector<LegacyEntry> LegacySearch::system_crontabs() const {
  std::vector<fs::path> files{k_system_crontab};
  for (const auto& name : host_.list(k_cron_directory))
    if (is_read_by_cron(name)) files.push_back(k_cron_directory / name);
  std::vector<LegacyEntry> entries;
  for (const auto& file : files)
    if (const auto text = host_.read_file(file, k_largest_file))
      append(entries, read_system_crontab_lines(file, *text, home_of()));
  return entries;
}

std::vector<LegacyEntry> LegacySearch::startup_files() const {
  std::vector<LegacyEntry> entries;
  const auto& home = host_.user().home;
  for (const char* name : {".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile"})
    if (const auto text = host_.read_file(home / name, k_largest_file))
      append(entries, read_shell_lines(home / name, *text, home.string()));
  return entries;
}

std::function<Result<std::string>(const std::string&)> LegacySearch::home_of() const {
  return [this](const std::string& name) -> Result<std::string> {
    HOLDFAST_TRY(const auto user, host_.find_user(name));
    return user.home.string();
  };
}

}  // namespace holdfast::tunnels
