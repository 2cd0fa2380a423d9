#include "tunnels/setup/previous_tunnel.hpp"

#include "store/host_settings.hpp"

#include <algorithm>

namespace holdfast::tunnels {
namespace {

/// Adds the state that the job's runtime files and its backend report.
void add_state(PreviousTunnel& previous, const InstalledJob& installed_job, const os::Host& host) {
  const auto& job = installed_job.job;
  const auto known = query_one(*installed_job.backend, job, host);
  if (known && (known->running || known->restarting)) previous.running = true;
  if (&installed_job == &previous.installed_jobs.front() && known) previous.registration = *known;
  auto live = read_live(job.runtime_dir, job.name, job.paths, host);
  if (!live) return;
  const bool supervised = os::is_alive(host, live->supervisor);
  // An ssh outlives a supervisor that was killed.
  if (store::holds_forwards(*live) && (supervised || (live->ssh && os::is_alive(host, *live->ssh)))) {
    previous.holds_forwards = true;
    previous.bastion = live->bastion;
  }
  if (supervised) previous.live = std::move(live);
}

/// True when the tunnel's file alone does not make it this host's tunnel.
bool is_of_other_hosts(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  if (is_elsewhere(tunnel, host)) return true;
  return store::is_shared(tunnel, paths) && !store::read_host_settings(host, paths, tunnel->name);
}

}  // namespace

PreviousTunnel find_previous_tunnel(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  PreviousTunnel previous;
  previous.existed = store::exists(host, paths, name);
  const store::Entry entry{name, store::load(host, paths, name)};
  if (entry.tunnel)
    previous.tunnel = *entry.tunnel;
  else
    previous.problem = entry.tunnel.error();
  if (!previous.existed) return previous;
  previous.half_moved = store::read_hand_over(host, paths, name);
  previous.installed_jobs = installed_jobs_of(entry, paths, host);
  for (const auto& installed_job : previous.installed_jobs) add_state(previous, installed_job, host);
  previous.running = previous.running || previous.live;
  previous.here = previous.running || previous.holds_forwards || !previous.tunnel ||
                  !is_of_other_hosts(*previous.tunnel, paths, host);
  // A tunnel of another host that shares this home: this host must not stop or uninstall it.
  if (!previous.here) previous.installed_jobs.clear();
  return previous;
}

bool PreviousTunnel::is_held_by(std::string_view backend) const {
  return tunnel && !half_moved && !installed_jobs.empty() && (*tunnel)->backend == backend && registration &&
         registration->installed;
}

bool PreviousTunnel::lives_in(const fs::path& runtime_directory) const {
  return std::ranges::any_of(installed_jobs, [&](const InstalledJob& installed_job) {
    return installed_job.job.runtime_dir == runtime_directory;
  });
}

}  // namespace holdfast::tunnels
