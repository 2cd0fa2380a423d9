#include "tunnels/removal.hpp"

#include "backends/host/crontab.hpp"
#include "backends/host/logind.hpp"
#include "backends/plan/apply.hpp"
#include "core/text.hpp"
#include "store/hand_over.hpp"
#include "store/history.hpp"
#include "store/host_settings.hpp"
#include "store/installation_record.hpp"
#include "store/kept_processes.hpp"
#include "store/shared_files.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/ownership.hpp"
#include "tunnels/setup/scratch_directory.hpp"
#include "tunnels/survivors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace holdfast::tunnels {
namespace {

std::string removed_directory(const fs::path& directory) { return "removed empty directory " + directory.string(); }

/// An existing path that a plan removes, and its line of the report.
struct Removal {
  fs::path path;
  std::string line;
};

/// Each path once: for a tunnel with an unreadable file the plan has the steps of every backend.
std::vector<Removal> removals(const backends::Plan& plan, const os::Host& host) {
  std::vector<Removal> all;
  const auto add = [&](const fs::path& path, std::string line) {
    if (std::ranges::find(all, path, &Removal::path) == all.end() && host.status(path).kind != os::FileKind::missing)
      all.push_back({path, std::move(line)});
  };
  for (const auto& step : plan) {
    if (const auto* file = std::get_if<backends::RemoveFile>(&step)) add(file->path, "removed " + file->path.string());
    if (const auto* tree = std::get_if<backends::RemoveTree>(&step)) add(tree->path, "removed " + tree->path.string());
    if (const auto* directory = std::get_if<backends::RemoveEmptyDirectory>(&step))
      add(directory->path, removed_directory(directory->path));
  }
  return all;
}

Result<> remove_if_there(const fs::path& file, os::Host& host, std::vector<std::string>& report) {
  if (host.status(file).kind == os::FileKind::missing) return {};
  HOLDFAST_CHECK(host.remove_file(file));
  report.push_back("removed " + file.string());
  return {};
}

/// The directories with runtime files of the tunnel that its file need not name any more. Only a user's own: in the
/// system scope the tunnel's user writes kept state, and must not make root remove files elsewhere.
std::vector<fs::path> previous_directories(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::system) return {};
  auto directories = possible_runtime_directories(name, paths, host);
  if (const auto kept = store::read_living_processes(host, paths, name)) directories.push_back(kept->runtime_dir);
  std::erase_if(directories, [&](const fs::path& directory) {
    const auto status = host.status(directory);
    const auto files = store::runtime_files(name, directory);
    const bool has_files =
        host.status(files.lock).kind != os::FileKind::missing || host.status(files.live).kind != os::FileKind::missing;
    // One that is locked belongs to a tunnel of that name in another configuration.
    return status.kind != os::FileKind::directory || status.owner != host.user().uid || !has_files ||
           host.is_locked(files.lock);
  });
  return directories;
}

/// Removes NAME.live.new.PID and the like: a process was killed while it replaced a file.
Result<> clear_unfinished(const TunnelName& name, const fs::path& directory, os::Host& host) {
  const auto files = store::runtime_files(name, directory);
  for (const auto& entry : host.list(directory))
    for (const auto& file : {files.live, files.pidfile}) {
      const auto begin = file.filename().native() + ".new.";
      // Digits to the end: another tunnel's name may begin alike.
      if (entry.starts_with(begin) && parse_number(entry.substr(begin.size()), 1, std::numeric_limits<pid_t>::max()))
        HOLDFAST_CHECK(host.remove_file(directory / entry));
    }
  return {};
}

Result<backends::Plan> uninstallation(const TunnelName& name, const std::vector<InstalledJob>& installed_jobs,
                                      const store::Paths& paths, const os::Host& host) {
  backends::Plan plan;
  for (const auto& installed_job : installed_jobs) {
    HOLDFAST_TRY(auto steps, installed_job.backend->remove(name, paths, host));
    for (auto& step : steps) plan.push_back(std::move(step));
  }
  return plan;
}

/// False when cron is no longer installed. An Error when the crontab cannot be read: its lines would start the tunnel
/// again.
Result<bool> can_read_crontab(const os::Host& host, std::vector<std::string>& report) {
  constexpr std::chrono::milliseconds k_deadline{5000};
  const std::string warning = "left its lines in your crontab, if there are any: crontab is not installed";
  if (!host.find_program("crontab")) {
    if (host.status("/usr/bin/crontab").kind != os::FileKind::missing)
      return Error{"finding", "crontab", "it is not in PATH", "add /usr/bin to PATH"};
    if (std::ranges::find(report, warning) == report.end()) report.push_back(warning);
    return false;
  }
  HOLDFAST_TRY(const auto crontab, backends::read_crontab(host, k_deadline));
  if (!crontab.denied) return true;
  return Error{"reading", "your crontab", "you are not allowed to use cron",
               "ask an administrator to add you to /etc/cron.allow, or to remove you from /etc/cron.deny"};
}

Result<> remove_from_crontab(const TunnelName& name, const std::vector<InstalledJob>& installed_jobs,
                             const store::Paths& paths, os::Host& host, std::vector<std::string>& report) {
  HOLDFAST_TRY(auto plan, uninstallation(name, installed_jobs, paths, host));
  std::erase_if(plan, [](const backends::Step& step) { return !std::holds_alternative<backends::EditCrontab>(step); });
  if (plan.empty()) return {};
  HOLDFAST_TRY(const bool readable, can_read_crontab(host, report));
  if (!readable) return {};
  std::erase_if(plan, [&](const backends::Step& step) { return backends::is_in_place(step, host); });
  HOLDFAST_CHECK(backends::apply(plan, host));
  if (!plan.empty()) report.emplace_back("removed its lines from your crontab");
  return {};
}

}  // namespace

fs::path pin_file(const TunnelName& name, const store::Paths& paths) {
  return paths.tunnels / (name.text() + ".known_hosts");
}

Result<> clear_runtime(const TunnelName& name, const fs::path& directory, os::Host& host,
                       std::vector<std::string>& report) {
  const auto files = store::runtime_files(name, directory);
  for (const auto& file :
       {files.control, files.lock, files.next, files.live, files.pidfile, files.ssh_log, files.ssh_err, files.probe,
        files.autossh_log, files.failback_probe, files.failback_log, files.failback_err})
    if (host.status(file).kind != os::FileKind::missing) HOLDFAST_CHECK(host.remove_file(file));
  HOLDFAST_CHECK(clear_unfinished(name, directory, host));
  HOLDFAST_CHECK(store::remove_last_shared_files(host, directory));
  // It stays while it has files of other tunnels.
  if (host.remove_empty_directory(directory)) report.push_back(removed_directory(directory));
  return {};
}

Result<> clear_state(const TunnelName& name, const store::Paths& paths, os::Host& host,
                     std::vector<std::string>& report) {
  for (const char* suffix : {"log", "history", "uptime", "connection", "limit", "crowd", "processes", "session",
                             "stopped", "handover", "host"})
    for (const auto& file : store::files_of(paths.state_file(name, suffix)))
      HOLDFAST_CHECK(remove_if_there(file, host, report));
  return {};
}

Result<> turn_linger_off(os::Host& host, std::vector<std::string>& report) {
  if (!backends::is_lingering(host, host.user())) return {};
  if (backends::has_other_linger_users(host)) {
    report.emplace_back("left linger on: other units of yours may need it");
    return {};
  }
  if (auto off = backends::apply(backends::linger_off(host.user()), host); !off) {
    auto error = std::move(off).error();
    error.hint = "loginctl disable-linger: setup had turned it on";
    return error;
  }
  report.emplace_back("turned linger off, which setup had turned on");
  return {};
}

Result<> forget_tunnel(const TunnelName& name, const std::vector<fs::path>& runtime_directories,
                       const store::Paths& paths, os::Host& host, bool linger_was_undone,
                       std::vector<std::string>& report) {
  const auto half_moved = store::read_hand_over(host, paths, name);
  if (half_moved && !half_moved->was_lingering)
    HOLDFAST_CHECK(store::add_to_record(host, paths, name, {}, store::LingerUse::turned_on));
  HOLDFAST_CHECK(clear_state(name, paths, host, report));
  for (const auto& directory : runtime_directories) HOLDFAST_CHECK(clear_runtime(name, directory, host, report));
  HOLDFAST_TRY(const auto undo, store::drop_from_record(host, paths, name));
  Result<> linger_off;
  if (undo.linger_off && !linger_was_undone) linger_off = turn_linger_off(host, report);
  for (const auto& directory : undo.directories)
    if (host.remove_empty_directory(directory)) report.push_back(removed_directory(directory));
  return linger_off;
}

Result<> remove_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                       std::vector<std::string>& report) {
  HOLDFAST_TRY(const auto lock, NameLock::take(name, paths, host));
  remove_abandoned(lock.directory(), host);
  const store::Entry entry{name, store::load(host, paths, name)};
  if (!entry.tunnel && !is_present(name, paths, host)) return entry.tunnel.error();
  if (entry.tunnel && is_elsewhere(*entry.tunnel, host)) {
    auto reason = explain_elsewhere(*entry.tunnel, host);
    if (!is_renamed(*entry.tunnel, host))
      reason.hint = fmt::format("run it there; if {} is gone for good: rm {}", (*entry.tunnel)->host,
                                paths.tunnel_file(name).string());
    return Error{"removing", "tunnel " + name.text(), std::move(reason.message), std::move(reason.hint)};
  }
  const auto installed_jobs = installed_jobs_of(entry, paths, host);
  // First, and for good: where the home cannot be written, nothing must start the tunnel again.
  HOLDFAST_CHECK(remove_from_crontab(name, installed_jobs, paths, host, report));
  HOLDFAST_TRY(const auto stopped, stop_installed_jobs(installed_jobs, host, false));
  // A tunnel whose file and runtime files are gone has no job that could be stopped.
  HOLDFAST_TRY(const auto survivors, end_survivors(name, paths, host));
  HOLDFAST_TRY(const bool had_ssh, end_surviving_ssh(name, paths, host));
  for (const auto pid : survivors) report.push_back(fmt::format("stopped supervisor {}", pid));
  for (const auto pid : stopped.supervisors) report.push_back(fmt::format("stopped supervisor {}", pid));
  if (stopped.ssh || had_ssh) report.emplace_back("stopped its ssh");
  return remove_installation(name, installed_jobs, paths, host, report);
}

Result<> remove_installation(const TunnelName& name, const std::vector<InstalledJob>& installed_jobs,
                             const store::Paths& paths, os::Host& host, std::vector<std::string>& report) {
  HOLDFAST_CHECK(remove_from_crontab(name, installed_jobs, paths, host, report));
  HOLDFAST_TRY(auto plan, uninstallation(name, installed_jobs, paths, host));
  plan.emplace_back(backends::RemoveFile{pin_file(name, paths)});
  // Last: while the file exists, remove can be run again.
  plan.emplace_back(backends::RemoveFile{paths.tunnel_file(name)});
  auto planned = removals(plan, host);
  const auto edits = backends::due_edits(plan, host);
  HOLDFAST_CHECK(backends::apply(plan, host));
  for (auto& removal : planned)
    if (host.status(removal.path).kind == os::FileKind::missing) report.push_back(std::move(removal.line));
  for (const auto& edit : edits)
    report.push_back(host.status(edit.file).kind == os::FileKind::missing
                         ? "removed " + edit.file.string()
                         : fmt::format("removed the {} from {}", edit.label, edit.file.string()));

  std::vector<fs::path> directories;
  directories.reserve(installed_jobs.size());
  for (const auto& installed_job : installed_jobs) directories.push_back(installed_job.job.runtime_dir);
  if (directories.empty()) directories = possible_runtime_directories(name, paths, host);
  for (const auto& previous : previous_directories(name, paths, host))
    if (std::ranges::find(directories, previous) == directories.end()) directories.push_back(previous);
  const auto others = store::other_hosts_with(host, paths, name);
  auto forgotten = forget_tunnel(name, directories, paths, host, false, report);
  for (const auto& other : others)
    report.push_back("host " + other + " has it too: it stops there within 60 s. Run holdfast remove " + name.text() +
                     " there to delete the rest");
  return forgotten;
}

}  // namespace holdfast::tunnels
