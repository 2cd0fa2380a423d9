#include "backends/host/cron_daemon.hpp"

#include "backends/host/boot.hpp"
#include "backends/host/systemctl.hpp"
#include "core/text.hpp"
#include "os/replace_file.hpp"
#include "os/stopped_process.hpp"

#include <fmt/format.h>

#include <limits>

namespace holdfast::backends {
namespace {

namespace fs = boost::filesystem;

bool exists(const os::Host& host, const std::string& path) { return host.status(path).kind != os::FileKind::missing; }

/// Debian's cron and cronie keep their pidfile locked while they run.
std::optional<fs::path> locked_pidfile(const os::Host& host) {
  for (const char* pidfile : {"/run/crond.pid", "/var/run/crond.pid", "/run/cron.pid", "/var/run/cron.pid"})
    if (host.is_locked(pidfile)) return pidfile;
  return std::nullopt;
}

/// A cron that holdfast does not support: it has no pidfile that shows whether it runs. Empty when there is none.
std::string_view unsupported_cron(const os::Host& host) {
  for (const char* directory : {"/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"})
    if (exists(host, fmt::format("{}/systemd-crontab-generator", directory))) return "systemd-cron";
  if (host.find_program("bcron-sched")) return "bcron";
  const auto crontab = host.find_program("crontab");
  const auto target = crontab ? os::resolve_links(*crontab) : Result<fs::path>(Error{});
  if (target && target->filename() == "busybox") return "busybox crond";
  for (const char* daemon : {"fcron", "dcron"})
    if (host.find_program(daemon)) return daemon;
  return {};
}

/// The unit of the cron that is installed; empty when there is none, or systemd does not run this host.
std::string_view cron_unit(const os::Host& host) {
  if (!is_booted_with_systemd(host)) return {};
  for (const char* service : k_cron_services)
    for (const char* directory : {"/usr/lib/systemd/system", "/lib/systemd/system"})
      if (exists(host, fmt::format("{}/{}.service", directory, service))) return service;
  return {};
}

bool is_enabled(std::string_view unit, const os::Host& host) {
  for (const char* directory : {"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"})
    for (const char* target : {"multi-user", "default", "graphical", "basic"})
      if (exists(host, fmt::format("{}/{}.target.wants/{}.service", directory, target, unit))) return true;
  return false;
}

/// One command that starts the cron that is installed, or installs one; empty when none is known.
std::optional<std::string> command_that_starts_cron(const os::Host& host) {
  if (const auto unit = cron_unit(host); !unit.empty()) return fmt::format("sudo systemctl enable --now {}", unit);
  for (const char* service : k_cron_services)
    if (exists(host, fmt::format("/etc/init.d/{}", service))) return fmt::format("sudo service {} start", service);
  return install_cron(host);
}

}  // namespace

std::optional<CronProblem> why_no_cron_runs(const os::Host& host) {
  if (const auto pidfile = locked_pidfile(host)) {
    const auto text = host.read_file(*pidfile);
    const auto pid = text ? parse_number(trim(*text), 1, std::numeric_limits<pid_t>::max()) : std::nullopt;
    if (!pid || !os::is_stopped(host, static_cast<pid_t>(*pid))) return std::nullopt;
    return CronProblem{"the cron daemon is stopped (SIGSTOP, a debugger or a frozen control group)",
                       fmt::format("sudo kill -CONT {}", *pid)};
  }
  if (const auto other = unsupported_cron(host); !other.empty())
    return CronProblem{fmt::format("{} is not supported: nothing shows whether it runs", other), install_cron(host)};
  return CronProblem{"no cron daemon is running", command_that_starts_cron(host)};
}

std::optional<CronProblem> why_cron_does_not_start(const os::Host& host) {
  const auto unit = cron_unit(host);
  if (unit.empty()) return std::nullopt;
  auto problem = find_mask(fmt::format("{}.service", unit), host);
  if (!problem && !is_enabled(unit, host))
    return CronProblem{fmt::format("{}.service is disabled", unit), fmt::format("sudo systemctl enable {}", unit)};
  if (!problem) problem = find_default_target_problem(host);
  if (!problem) return std::nullopt;
  return CronProblem{std::move(problem->text), std::move(problem->remedy)};
}

std::optional<std::string> install_cron(const os::Host& host) {
  if (host.find_program("apt-get")) return "sudo apt-get install cron";
  if (host.find_program("dnf")) return "sudo dnf install cronie";
  if (host.find_program("zypper")) return "sudo zypper install cronie";
  if (host.find_program("apk")) return "sudo apk add cronie";
  return std::nullopt;
}

}  // namespace holdfast::backends
