#include "tunnels/control.hpp"

#include "backends/host/stop_mark.hpp"
#include "backends/plan/apply.hpp"
#include "backends/registry.hpp"
#include "ssh/autossh/autossh_process.hpp"
#include "ssh/client/master.hpp"
#include "store/hand_over.hpp"
#include "store/history.hpp"
#include "store/host_settings.hpp"
#include "tunnels/arrival.hpp"
#include "tunnels/survivors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace holdfast::tunnels {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_poll{5};
constexpr milliseconds k_end_grace{10000};  // the supervisor ends its ssh first, which may take 5 s
constexpr milliseconds k_after_kill{2000};
constexpr milliseconds k_ask_backend_every{500};
constexpr milliseconds k_busy_timeout{5000};
constexpr milliseconds k_queue_timeout{15000};  // a session's server or a slow home may take its time

Result<> end_supervisor(const os::ProcessId& supervisor, os::Host& host) {
  host.signal(supervisor, SIGTERM);
  if (os::wait_for_exit(host, supervisor, k_end_grace)) return {};
  host.signal(supervisor, SIGKILL);
  if (os::wait_for_exit(host, supervisor, k_after_kill)) return {};
  return Error{"ending", fmt::format("supervisor {}", supervisor.pid), "it is still running after SIGKILL", ""};
}

/// The user that the tunnel runs as writes the live state: it must not make root end another user's process.
bool is_its_owners(const os::ProcessId& process, const fs::path& live_file, const os::Host& host) {
  return host.status(fmt::format("/proc/{}", process.pid)).owner == host.status(live_file).owner;
}

/// Removes the step that writes the stop mark.
void erase_mark(backends::Plan& plan, const InstalledJob& installed_job) {
  const auto mark = backends::stop_mark_file(installed_job.job.name, installed_job.job.paths);
  std::erase_if(plan, [&](const backends::Step& step) {
    const auto* file = std::get_if<backends::WriteFile>(&step);
    return file != nullptr && file->path == mark;
  });
}

Result<Stopped> stop_one(const InstalledJob& installed_job, os::Host& host, bool stays_down) {
  const auto& job = installed_job.job;
  const auto files = store::runtime_files(job.name, job.runtime_dir);
  const auto live = read_live(job.runtime_dir, job.name, job.paths, host);
  const bool lived = live && os::is_alive(host, live->supervisor) && is_its_owners(live->supervisor, files.live, host);

  // Without its live state, a supervisor that the plan ends would not be reported.
  const auto unpublished = lived ? std::vector<os::ProcessId>() : Survivors(job.paths, host).of(job.name);
  HOLDFAST_TRY(auto plan, installed_job.backend->stop(job, host));
  if (!stays_down) erase_mark(plan, installed_job);
  HOLDFAST_CHECK(backends::apply(plan, host));
  Stopped stopped;
  for (const auto& process : unpublished)
    if (!os::is_alive(host, process)) stopped.supervisors.push_back(process.pid);
  if (lived) {
    if (os::is_alive(host, live->supervisor)) HOLDFAST_CHECK(end_supervisor(live->supervisor, host));
    stopped.supervisors.push_back(live->supervisor.pid);
  }
  HOLDFAST_TRY(const auto survivors, end_survivors(job.name, job.paths, host));
  stopped.supervisors.insert(stopped.supervisors.end(), survivors.begin(), survivors.end());
  const auto known = live ? live->ssh : std::nullopt;
  // Before ssh, or it would start another one.
  HOLDFAST_CHECK(ssh::end_autossh(files.control, host, live ? live->autossh : std::nullopt));
  const bool carried = known && os::is_alive(host, *known);
  HOLDFAST_TRY(const bool ended, ssh::end_master(files.control, host, known));
  HOLDFAST_TRY(const bool survived, end_surviving_ssh(job.name, job.paths, host));
  stopped.ssh = ended || carried || survived || (lived && known);
  for (const auto& file : {files.control, files.live, files.pidfile, files.ssh_log, files.ssh_err, files.probe,
                           files.autossh_log, files.failback_probe, files.failback_log, files.failback_err})
    if (host.status(file).kind != os::FileKind::missing) HOLDFAST_CHECK(host.remove_file(file));
  return stopped;
}

bool are_all_open(const std::vector<store::LiveForward>& forwards) {
  return std::ranges::all_of(forwards, [](const store::LiveForward& forward) {
    return forward.state == store::ForwardState::up || forward.state == store::ForwardState::down;
  });
}

Arrival never_began(const InstalledJob& installed_job, milliseconds waited) {
  const auto last = store::Log::read(installed_job.job.paths.state_file(installed_job.job.name, "log"), 1);
  Arrival arrival;
  arrival.took = waited;
  arrival.failure = Diagnosis{FailureClass::unknown,
                              "the supervisor has ended" + (last.empty() ? "" : "; its last log line: " + last.back()),
                              fmt::format("holdfast run {} shows why", installed_job.job.name.text())};
  return arrival;
}

/// A move that was cut short may have left the job that it moved from, or to.
void add_half_moved(std::vector<InstalledJob>& installed_jobs, const store::Paths& paths, const os::Host& host) {
  const InstalledJob own = installed_jobs.front();
  const auto note = store::read_hand_over(host, paths, own.job.name);
  if (!note || note->from == note->to || store::is_under_way(note, host)) return;
  for (const auto& name : {note->from, note->to}) {
    const auto* backend = backends::find_backend(name);
    if (backend == nullptr || backend == own.backend || backend->scope() != paths.scope) continue;
    InstalledJob other{backend, own.job};
    if (name == note->from) other.job.runtime_dir = note->runtime_dir;
    installed_jobs.push_back(std::move(other));
  }
}

/// A file that was edited by hand names another backend than the one that still starts the tunnel.
void add_other_entries(std::vector<InstalledJob>& installed_jobs, const os::Host& host) {
  const InstalledJob own = installed_jobs.front();
  for (const auto* backend : backends::backends_with_entries(own.backend->scope())) {
    if (std::ranges::find(installed_jobs, backend, &InstalledJob::backend) != installed_jobs.end()) continue;
    const auto known = query_one(*backend, own.job, host);
    // Of a crontab that may not be read, no program is known.
    const bool has_entry = known && known->installed && (known->program || backend->restarts_job());
    if (has_entry) installed_jobs.push_back({backend, own.job});
  }
}

backends::Job job_without_file(const TunnelName& name, const fs::path& runtime_directory, const store::Paths& paths,
                               const os::Host& host) {
  const auto user = paths.scope == Scope::user ? host.user() : os::User{};
  return {name, {host.self().string()}, {}, user, {}, runtime_directory, paths};
}

/// The jobs of a tunnel whose file is missing or broken. systemd is always among them: a setup that was killed may have
/// left a part of one that no query shows.
std::vector<InstalledJob> possible_jobs(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  std::vector<InstalledJob> installed_jobs;
  for (const auto& directory : possible_runtime_directories(name, paths, host)) {
    for (const auto* backend : backends::all_backends()) {
      if (backend->scope() != paths.scope) continue;
      InstalledJob installed_job{backend, job_without_file(name, directory, paths, host)};
      const auto known = query_one(*backend, installed_job.job, host);
      if (backend->restarts_job() || !known || known->installed || known->running)
        installed_jobs.push_back(std::move(installed_job));
    }
  }
  return installed_jobs;
}

}  // namespace

std::optional<Arrival> arrival_of(const store::LiveState& live, milliseconds waited) {
  Arrival arrival;
  arrival.took = waited;
  if (live.last_error) arrival.failure = live.last_error->diagnosis;
  const auto is = [&](FailureClass failure) { return arrival.failure && arrival.failure->failure == failure; };
  switch (live.state) {
    case store::TunnelState::up:
      if (!live.verified && !live.last_error) return std::nullopt;  // the first probes are not complete
      arrival.verified = live.verified;
      if (live.verified) arrival.failure.reset();
      arrival.up = live.verified || !is(FailureClass::target_down);
      return arrival;
    case store::TunnelState::standby:
      arrival.standing_by = true;
      return arrival;
    case store::TunnelState::failed:
      return arrival;
    case store::TunnelState::degraded:
    case store::TunnelState::waiting:
      if (!arrival.failure) return std::nullopt;
      arrival.target_down = is(FailureClass::target_down) && are_all_open(live.forwards);
      if (is(FailureClass::forward_busy) && waited < k_busy_timeout) return std::nullopt;
      return arrival;
    case store::TunnelState::connecting:
    case store::TunnelState::stopped:
      break;
  }
  return std::nullopt;
}

std::vector<InstalledJob> installed_jobs_of(const store::Entry& entry, const store::Paths& paths,
                                            const os::Host& host) {
  if (entry.tunnel) {
    const Tunnel& tunnel = *entry.tunnel;
    if (const auto backend = backend_of(tunnel)) {
      std::vector<InstalledJob> sound{{*backend, make_job(tunnel, paths, nominal_user(tunnel, paths, host), host)}};
      add_half_moved(sound, paths, host);
      // Where hosts share the tunnel, the other entry may be another host's. A move has both for a moment.
      const bool moving = store::is_under_way(store::read_hand_over(host, paths, entry.name), host);
      if (!moving && !store::is_shared(tunnel, paths)) add_other_entries(sound, host);
      return sound;
    }
  }
  // host = any, removed on another host: this host's settings still name the backend.
  if (const auto part = store::read_host_settings(host, paths, entry.name))
    if (const auto* backend = backends::find_backend(part->backend); backend && backend->scope() == paths.scope)
      return {{backend, job_without_file(entry.name, part->runtime_dir, paths, host)}};
  return possible_jobs(entry.name, paths, host);
}

Result<Stopped> stop_installed_jobs(const std::vector<InstalledJob>& installed_jobs, os::Host& host, bool stay_down) {
  Stopped all;
  for (const auto& installed_job : installed_jobs) {
    HOLDFAST_TRY(const auto stopped, stop_one(installed_job, host, stay_down));
    all.supervisors.insert(all.supervisors.end(), stopped.supervisors.begin(), stopped.supervisors.end());
    all.ssh = all.ssh || stopped.ssh;
  }
  return all;
}

Result<> check_restartable(const InstalledJob& installed_job, const os::Host& host) {
  const auto& [backend, job] = installed_job;
  // Others start this program, which exists.
  if (!backend->restarts_job()) return {};
  const auto known = query_one(*backend, job, host);
  if (!known || known->restarts || known->starts) return {};
  return Error{"starting", fmt::format("tunnel {} with {}", job.name.text(), backend->name()),
               known->problems.empty() ? "it is not installed" : known->problems.front(), "run holdfast setup again"};
}

Result<backends::Plan> release_plan(const InstalledJob& installed_job, const os::Host& host) {
  HOLDFAST_TRY(auto plan, installed_job.backend->stop(installed_job.job, host));
  erase_mark(plan, installed_job);
  std::erase_if(plan, [](const backends::Step& step) { return std::holds_alternative<backends::Terminate>(step); });
  return plan;
}

Result<> release(const backends::Plan& plan, const os::ProcessId& supervisor, os::Host& host) {
  HOLDFAST_CHECK(backends::apply(plan, host));
  if (os::is_alive(host, supervisor)) return end_supervisor(supervisor, host);
  return {};
}

Result<> wait_until_queued(const InstalledJob& installed_job, const os::ProcessId& previous, const os::Host& host,
                           const Observer& observer) {
  const auto& job = installed_job.job;
  const auto files = store::runtime_files(job.name, job.runtime_dir);
  const auto begin = host.now();
  auto ask_backend = begin + k_ask_backend_every;
  while (!host.is_locked(files.next)) {
    HOLDFAST_CHECK(check_cancelled(observer));
    const auto live = read_live(job.runtime_dir, job.name, job.paths, host);
    if (live && live->supervisor != previous && os::is_alive(host, live->supervisor)) return {};
    const auto waited = std::chrono::duration_cast<milliseconds>(host.now() - begin);
    std::optional<Diagnosis> failure;
    if (waited >= k_queue_timeout)
      failure = Diagnosis{
          FailureClass::unknown,
          fmt::format("its supervisor was not ready to take over after {} s", k_queue_timeout.count() / 1000), ""};
    if (host.now() >= ask_backend) {
      const auto known = query_one(*installed_job.backend, job, host);
      if (known && !known->running && !known->restarting) failure = never_began(installed_job, waited).failure;
      ask_backend = host.now() + k_ask_backend_every;
    }
    if (failure)
      return Error{"starting", fmt::format("tunnel {} with {}", job.name.text(), installed_job.backend->name()),
                   failure->message, failure->hint};
    host.sleep_for(k_poll);
  }
  return {};
}

Result<Arrival> wait_until_up(const InstalledJob& installed_job, const std::optional<os::ProcessId>& previous,
                              const os::Host& host, milliseconds deadline, const Observer& observer) {
  const auto& job = installed_job.job;
  const auto begin = host.now();
  auto ask_backend = begin + k_ask_backend_every;
  for (;;) {
    HOLDFAST_CHECK(check_cancelled(observer));
    const auto waited = std::chrono::duration_cast<milliseconds>(host.now() - begin);
    const auto live = read_live(job.runtime_dir, job.name, job.paths, host);
    const bool ours = live && live->supervisor != previous && os::is_alive(host, live->supervisor);
    if (ours)
      if (const auto arrival = arrival_of(*live, waited)) return *arrival;
    if (waited >= deadline) {
      Arrival late;
      late.took = waited;
      late.up = ours && live->state == store::TunnelState::up;
      if (ours && live->last_error) late.failure = live->last_error->diagnosis;
      return late;
    }
    if (!ours && host.now() >= ask_backend) {
      const auto known = query_one(*installed_job.backend, job, host);
      if (known && !known->running && !known->restarting) return never_began(installed_job, waited);
      ask_backend = host.now() + k_ask_backend_every;
    }
    host.sleep_for(k_poll);
  }
}

Result<> wait_until_reread(const InstalledJob& installed_job, os::Host& host, milliseconds deadline) {
  const auto& job = installed_job.job;
  const auto subject = "the supervisor of tunnel " + job.name.text();
  const auto live_file = store::runtime_files(job.name, job.runtime_dir).live;
  const auto before = read_live(job.runtime_dir, job.name, job.paths, host);
  // SIGUSR2: tmux and screen send SIGHUP when a terminal closes.
  if (!before || !is_its_owners(before->supervisor, live_file, host) || !host.signal(before->supervisor, SIGUSR2))
    return Error{"signalling", subject, "it does not run", "holdfast start " + job.name.text()};
  const auto begin = host.now();
  for (;;) {
    const auto now = read_live(job.runtime_dir, job.name, job.paths, host);
    if (now && now->supervisor == before->supervisor && now->generation != before->generation) return {};
    if (!os::is_alive(host, before->supervisor) || host.now() - begin >= deadline)
      return Error{"signalling", subject, "it has not read the changed file", "holdfast logs " + job.name.text()};
    host.sleep_for(k_poll);
  }
}

}  // namespace holdfast::tunnels
