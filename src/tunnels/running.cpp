#include "tunnels/running.hpp"

#include "backends/host/stop_mark.hpp"
#include "backends/plan/apply.hpp"
#include "store/hand_over.hpp"
#include "store/login_ledger.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/ownership.hpp"
#include "tunnels/survivors.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::milliseconds k_timeout{30000};

/// A tunnel of this host that no other command changes while this object lives.
struct LockedTunnel {
  NameLock lock;
  store::Entry entry;
  std::vector<InstalledJob> installed_jobs;
};

Result<LockedTunnel> lock_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  HOLDFAST_TRY(auto lock, NameLock::take(name, paths, host));
  store::Entry entry{name, store::load(host, paths, name)};
  if (entry.tunnel && is_elsewhere(*entry.tunnel, host)) {
    auto reason = explain_elsewhere(*entry.tunnel, host);
    return Error{"reaching", "tunnel " + name.text(), std::move(reason.message), std::move(reason.hint)};
  }
  auto installed_jobs = installed_jobs_of(entry, paths, host);
  return LockedTunnel{std::move(lock), std::move(entry), std::move(installed_jobs)};
}

std::optional<os::ProcessId> living_supervisor(const InstalledJob& installed_job, const os::Host& host) {
  const auto live = read_live(installed_job.job.runtime_dir, installed_job.job.name, installed_job.job.paths, host);
  if (live && os::is_alive(host, live->supervisor)) return live->supervisor;
  return std::nullopt;
}

/// The job of a tunnel whose file is sound; otherwise the Error of that file. An Error too when another backend than
/// the one in the file starts it: both would hold the port.
Result<InstalledJob> sole_installed_job(const LockedTunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  if (!tunnel.entry.tunnel) return tunnel.entry.tunnel.error();
  HOLDFAST_CHECK(backend_of(*tunnel.entry.tunnel));
  const auto& jobs = tunnel.installed_jobs;
  if (jobs.size() == 1 || store::read_hand_over(host, paths, tunnel.entry.name)) return jobs.front();
  const auto installed = jobs[1].backend->name();
  return Error{
      "starting", "tunnel " + tunnel.entry.name.text(),
      fmt::format("its file says backend = {}, but {} still starts it", jobs[0].backend->name(), installed),
      fmt::format("set backend = {} in its file, or move it: {}", installed, setup_command(*tunnel.entry.tunnel))};
}

/// The user asks for an attempt now, perhaps because the bastion accepts the key again.
void forget_refused_logins(const Tunnel& tunnel, const InstalledJob& installed_job, os::Host& host) {
  for (std::size_t at = 0; at < tunnel.bastions(); ++at)
    store::LoginLedger(host, installed_job.job.runtime_dir, tunnel.bastion(at).text()).forget();
}

/// A second supervisor would fight the first one for the port.
Result<> check_no_survivor(const InstalledJob& installed_job, const os::Host& host) {
  const auto& job = installed_job.job;
  const auto survivors = Survivors(job.paths, host).of(job.name);
  // One that has just started holds the lock, but has not published its state.
  if (survivors.empty() || host.is_locked(store::runtime_files(job.name, job.runtime_dir).lock)) return {};
  return Error{"starting", "tunnel " + job.name.text(),
               fmt::format("its supervisor {} runs, but its runtime directory {} is gone or is another one here",
                           survivors.front().pid, job.runtime_dir.string()),
               "holdfast restart " + job.name.text()};
}

Result<> apply_start(const InstalledJob& installed_job, os::Host& host) {
  HOLDFAST_TRY(const auto plan, installed_job.backend->start(installed_job.job, host));
  auto started = backends::apply(plan, host);
  if (started) return {};
  auto error = std::move(started).error();
  const auto known = query_one(*installed_job.backend, installed_job.job, host);
  if (known && !known->installed) {
    error.cause = "it is no longer installed with " + std::string(installed_job.backend->name());
    error.hint = "run holdfast setup again";
  }
  return error;
}

Result<Arrival> arrived(const Tunnel& tunnel, Arrival arrival) {
  if (arrival.up || arrival.standing_by || (arrival.target_down && tunnel->allow_target_down)) return arrival;
  const TunnelName& name = tunnel->name;
  const auto& failure = arrival.failure;
  const auto cause =
      failure ? failure->message : fmt::format("its supervisor reported nothing for {} s", k_timeout.count() / 1000);
  return Error{"waiting for", "tunnel " + name.text(), cause,
               failure && !failure->hint.empty() ? failure->hint : "holdfast logs " + name.text(), ExitStatus::not_up};
}

/// The marks first: cron may run `ensure` at any moment. A tunnel without one stops all the same.
void leave_stop_marks(const LockedTunnel& tunnel, os::Host& host, std::vector<std::string>& warnings) {
  for (const auto& [backend, job] : tunnel.installed_jobs) {
    if (backend->restarts_job()) continue;
    const auto marked = backends::apply({backends::leave_stop_mark(job.name, job.paths, host)}, host);
    if (!marked)
      warnings.push_back(
          fmt::format("{}: the next login, or cron, starts tunnel {} again", marked.error().line(), job.name.text()));
  }
}

Result<Arrival> restart(const LockedTunnel& tunnel, const InstalledJob& installed_job, os::Host& host,
                        const Observer& observer) {
  const auto previous = living_supervisor(installed_job, host);
  HOLDFAST_CHECK(stop_installed_jobs({installed_job}, host, false));
  if (tunnel.entry.tunnel) forget_refused_logins(*tunnel.entry.tunnel, installed_job, host);
  HOLDFAST_CHECK(apply_start(installed_job, host));
  HOLDFAST_TRY(auto arrival, wait_until_up(installed_job, previous, host, k_timeout, observer));
  return arrived(*tunnel.entry.tunnel, std::move(arrival));
}

/// With a hand-over note from a backend to itself: a supervisor that stops leaves its ssh to the next one. The system
/// scope needs none, because ExecStopPost= decides there, and a tunnel's user would not trust a note of root's.
Result<Arrival> restart_noted(const InstalledJob& installed_job, const os::ProcessId& previous, os::Host& host,
                              const Observer& observer) {
  const auto& job = installed_job.job;
  const bool noted = job.paths.scope == Scope::user;
  const auto self = host.process(::getpid());
  const std::string backend(installed_job.backend->name());
  if (noted && self)
    HOLDFAST_CHECK(store::keep_hand_over(host, job.paths, job.name, {*self, backend, backend, job.runtime_dir, true}));
  const auto restart = [&]() -> Result<Arrival> {
    HOLDFAST_TRY(const auto plan, installed_job.backend->restart(job, host));
    HOLDFAST_CHECK(backends::apply(plan, host));
    HOLDFAST_CHECK(release({}, previous, host));  // one that was started by hand
    return wait_until_up(installed_job, previous, host, k_timeout, observer);
  };
  auto arrival = restart();
  if (noted) HOLDFAST_CHECK(host.remove_file(store::hand_over_file(job.paths, job.name)));
  return arrival;
}

}  // namespace

Result<Arrival> start_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                             const Observer& observer) {
  HOLDFAST_TRY(const auto tunnel, lock_tunnel(name, paths, host));
  HOLDFAST_TRY(const auto installed_job, sole_installed_job(tunnel, paths, host));
  forget_refused_logins(*tunnel.entry.tunnel, installed_job, host);
  if (!living_supervisor(installed_job, host)) {
    HOLDFAST_CHECK(check_restartable(installed_job, host));
    HOLDFAST_CHECK(check_no_survivor(installed_job, host));
    HOLDFAST_CHECK(apply_start(installed_job, host));
  }
  HOLDFAST_TRY(auto arrival, wait_until_up(installed_job, {}, host, k_timeout, observer));
  return arrived(*tunnel.entry.tunnel, std::move(arrival));
}

Result<Stopped> stop_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                            std::vector<std::string>& warnings) {
  HOLDFAST_TRY(const auto tunnel, lock_tunnel(name, paths, host));
  const auto restartable =
      tunnel.installed_jobs.empty() ? Result<>() : check_restartable(tunnel.installed_jobs.front(), host);
  leave_stop_marks(tunnel, host, warnings);
  HOLDFAST_TRY(auto stopped, stop_installed_jobs(tunnel.installed_jobs, host, false));
  if (!restartable) stopped.cannot_restart = restartable.error().cause;
  return stopped;
}

Result<Arrival> restart_tunnel(const TunnelName& name, const store::Paths& paths, os::Host& host,
                               const Observer& observer) {
  HOLDFAST_TRY(const auto tunnel, lock_tunnel(name, paths, host));
  HOLDFAST_TRY(const auto installed_job, sole_installed_job(tunnel, paths, host));
  HOLDFAST_CHECK(check_restartable(installed_job, host));
  return restart(tunnel, installed_job, host, observer);
}

Result<Arrival> restart_keeping_connection(const TunnelName& name, const store::Paths& paths, os::Host& host,
                                           Observer& observer) {
  HOLDFAST_TRY(const auto tunnel, lock_tunnel(name, paths, host));
  HOLDFAST_TRY(const auto installed_job, sole_installed_job(tunnel, paths, host));
  HOLDFAST_CHECK(check_restartable(installed_job, host));
  const auto& job = installed_job.job;
  const auto before = read_live(job.runtime_dir, job.name, job.paths, host);
  const bool half_moved = tunnel.installed_jobs.size() > 1;
  if (half_moved || !before || !os::is_alive(host, before->supervisor))
    return restart(tunnel, installed_job, host, observer);
  HOLDFAST_TRY(auto arrival, restart_noted(installed_job, before->supervisor, host, observer));
  const auto after = read_live(job.runtime_dir, job.name, job.paths, host);
  if (before->ssh && after && after->ssh != before->ssh)
    observer.warn("the connection could not be kept: the tunnel has reconnected");
  return arrived(*tunnel.entry.tunnel, std::move(arrival));
}

}  // namespace holdfast::tunnels
