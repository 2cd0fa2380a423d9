#include "tunnels/status.hpp"

#include "os/read_only_host.hpp"
#include "ssh/keys/certificate.hpp"
#include "store/hand_over.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/live_status.hpp"
#include "tunnels/ownership.hpp"
#include "tunnels/survivors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace holdfast::tunnels {
namespace {

using store::TunnelState;

TunnelStatus of_broken_file(const store::Entry& entry) {
  TunnelStatus status;
  status.name = entry.name.text();
  status.state = TunnelState::failed;
  status.verified = false;
  const auto& error = entry.tunnel.error();
  status.last_error = TunnelStatus::Failure{{FailureClass::config, error.line(), error.hint}, {}};
  return status;
}

/// Its supervisor may run on, with the settings that it read before.
TunnelStatus of_broken_file(const store::Entry& entry, const store::Paths& paths, const os::Host& host) {
  auto status = of_broken_file(entry);
  for (const auto& directory : possible_runtime_directories(entry.name, paths, host)) {
    const auto live = read_live(directory, entry.name, paths, host);
    if (!live || !os::is_alive(host, live->supervisor)) continue;
    add_live_state(status, *live, directory, host);
    status.remarks.push_back("its file has an error, and it cannot start again: " + entry.tunnel.error().line());
    break;
  }
  return status;
}

TunnelStatus of_file(const Tunnel& tunnel) {
  TunnelStatus status;
  status.name = tunnel->name.text();
  if (!tunnel->host.empty()) status.host = tunnel->host;
  status.bastion = tunnel->bastion.text();
  for (std::size_t at = 0; at < tunnel.bastions(); ++at) status.bastions.push_back(tunnel.bastion(at).text());
  status.engine = std::string(to_text(tunnel->engine));
  for (const auto& forward : tunnel->forwards)
    status.forwards.push_back({end_text(forward.listen()), end_text(forward.target()), {}});
  status.backend.name = tunnel->backend;
  return status;
}

/// Names the command by which this program becomes the supervisor.
void compare_supervisor(TunnelStatus& status, const std::optional<backends::Registration>& registration,
                        const os::Host& host) {
  auto& supervisor = status.supervisor;
  if (!supervisor.version || !supervisor.program) return;
  const auto self = host.self();
  if (*supervisor.version == HOLDFAST_VERSION && *supervisor.program == self.string()) return;
  const bool starts_another = registration && registration->program && *registration->program != self;
  supervisor.update =
      starts_another ? status.installation.repair : "holdfast restart " + status.name + " --keep-connection";
}

/// The tunnels of one backend, for one query.
struct Group {
  std::vector<backends::Job> jobs;
  std::vector<Tunnel> tunnels;
  std::vector<std::size_t> rows;
};

std::optional<TunnelStatus::Credential> credential_of(const Tunnel& tunnel, const os::Host& host,
                                                      const os::fs::path& home) {
  const auto found = ssh::find_credential(host, tunnel, home);
  if (!found) return std::nullopt;
  if (!found->certificate) return TunnelStatus::Credential{"key", found->file.native()};
  return TunnelStatus::Credential{"certificate", found->file.native(), found->certificate->begins,
                                  found->certificate->expires};
}

/// Adds the live state. Without a supervisor, derives the state from the registration.
void complete_live(TunnelStatus& status, const Tunnel& tunnel, const backends::Job& job,
                   const std::optional<backends::Registration>& registration, Survivors& survivors,
                   const os::Host& host) {
  status.credential = credential_of(tunnel, host, job.run_as.home);
  const auto live = read_live(job.runtime_dir, job.name, job.paths, host);
  if (live && live->last_error)
    status.last_error = TunnelStatus::Failure{live->last_error->diagnosis, live->last_error->at};
  if (live && os::is_alive(host, live->supervisor)) {
    add_live_state(status, *live, job.runtime_dir, host);
    compare_supervisor(status, registration, host);
    if (live->settings && *live->settings != store::settings_mark(tunnel))
      status.remarks.push_back("its file was changed, but not applied: holdfast restart " + status.name);
  } else if (const auto found = survivors.of(job.name); !found.empty()) {
    add_survivor(status, found.front(), job, host);
  } else {
    add_no_supervisor(status, job.paths, job.name, registration);
    // A service manager restarts a killed one.
    const auto backend = backend_of(tunnel);
    const bool alone = backend && !(*backend)->restarts_job();
    auto ssh = surviving_ssh(job.name, job.paths, host);
    if (!ssh && live && live->ssh && os::is_alive(host, *live->ssh)) ssh = live->ssh;
    // The successor is about to adopt it.
    if (store::is_under_way(store::read_hand_over(host, job.paths, job.name), host)) ssh.reset();
    if (alone && status.state == TunnelState::stopped && (was_killed(live, host) || ssh)) add_killed(status, ssh);
  }
  if (status.renamed) {
    status.last_error = TunnelStatus::Failure{explain_elsewhere(tunnel, host), {}};
    if (!status.supervisor.pid) status.state = TunnelState::failed;  // it needs manual action
  }
}

void complete(TunnelStatus& status, const Tunnel& tunnel, const backends::Backend& backend, const backends::Job& job,
              const std::optional<backends::Registration>& registration, Survivors& survivors, const os::Host& host) {
  status.backend.survives = backend.survives(job, host);
  status.installation.repair = setup_command(tunnel);
  if (registration) {
    status.backend.installed = registration->installed;
    status.backend.running = registration->running || registration->restarting;
    status.backend.survives = backends::limited_by(*status.backend.survives, *registration);
    status.installation.ok = registration->installed && registration->problems.empty();
    status.installation.problems = registration->problems;
    status.remarks.insert(status.remarks.end(), registration->obstacles.begin(), registration->obstacles.end());
  }
  complete_live(status, tunnel, job, registration, survivors, host);
  // Another user may not see into the directory of the key.
  const bool sees_key = job.paths.scope == Scope::user || host.user().uid == 0;
  if (sees_key && tunnel->identity && host.status(*tunnel->identity).kind == os::FileKind::missing)
    status.remarks.push_back(
        fmt::format("its key {} is gone: the next login will be refused", tunnel->identity->native()));
}

constexpr std::chrono::seconds k_day_slot = std::chrono::minutes(30);
constexpr std::size_t k_day_slots = 48;
constexpr std::chrono::seconds k_week_slot = std::chrono::hours(3);
constexpr std::size_t k_week_slots = 56;

}  // namespace

bool TunnelStatus::expires_soon(WallTime now) const noexcept {
  if (!credential || !credential->begins || !credential->expires) return false;
  constexpr WallTime::duration k_day = std::chrono::hours(24);
  return now >= *credential->expires - std::min(k_day, (*credential->expires - *credential->begins) / 10);
}

UptimeSummary uptime_summary_of(const TunnelStatus& tunnel, const TunnelName& name, const store::Paths& paths,
                                WallTime now) {
  std::optional<store::Present> present;
  if (tunnel.supervisor.pid && tunnel.state && tunnel.since) {
    const bool has_forward = std::ranges::find(tunnel.forwards, store::ForwardState::up,
                                               &TunnelStatus::Forward::state) != tunnel.forwards.end();
    const bool degraded = tunnel.is_up() ? tunnel.verified == false && tunnel.last_error : has_forward;
    present = store::Present{*tunnel.state, degraded, *tunnel.since};
  }
  const auto rows = store::completed(store::UptimeLog::read(paths.state_file(name, "uptime")),
                                     store::History::read(paths.state_file(name, "history"), SIZE_MAX), present, now);
  return {store::availability(rows, now, k_day_slot, k_day_slots),
          store::availability(rows, now, k_week_slot, k_week_slots)};
}

struct StatusReader::Known {
  std::size_t row;
  store::Entry entry;
  std::optional<backends::Job> job = {};  ///< nothing for a broken file
  std::optional<backends::Registration> registration = {};
};

StatusReader::StatusReader(store::Paths paths, const os::Host& host) : paths_(std::move(paths)), host_(host) {}
StatusReader::~StatusReader() = default;

void StatusReader::refresh(std::vector<TunnelStatus>& statuses) const {
  Survivors survivors(paths_, host_);
  for (const auto& known : known_) {
    auto& status = statuses[known.row];
    auto fresh = known.job ? of_file(*known.entry.tunnel) : of_broken_file(known.entry, paths_, host_);
    fresh.renamed = status.renamed;
    fresh.elsewhere = status.elsewhere;
    fresh.backend = std::move(status.backend);
    fresh.installation = std::move(status.installation);
    fresh.stronger = std::move(status.stronger);
    fresh.hook_files = std::move(status.hook_files);
    fresh.uptime_summary = std::move(status.uptime_summary);
    if (known.job) complete_live(fresh, *known.entry.tunnel, *known.job, known.registration, survivors, host_);
    status = std::move(fresh);
  }
  doubt_unresponsive(statuses, host_);
}

std::vector<TunnelStatus> StatusReader::read(const std::vector<store::Entry>& entries,
                                             std::vector<std::string>& warnings) {
  known_.clear();
  const os::ReadOnlyHost host(host_);  // it asks logind and crontab once for all tunnels
  std::vector<TunnelStatus> statuses;
  std::map<const backends::Backend*, Group> groups;
  for (const auto& entry : entries) {
    if (!entry.tunnel) {
      known_.push_back({statuses.size(), entry});
      statuses.push_back(of_broken_file(entry, paths_, host));
      continue;
    }
    const Tunnel& tunnel = *entry.tunnel;
    auto& status = statuses.emplace_back(of_file(tunnel));
    status.elsewhere = is_elsewhere(tunnel, host);
    status.renamed = is_renamed(tunnel, host);
    if (status.elsewhere && !status.renamed) continue;
    const auto backend = backend_of(tunnel);
    if (!backend) {
      status.state = TunnelState::failed;
      status.verified = false;
      const auto& error = backend.error();
      status.last_error = TunnelStatus::Failure{{FailureClass::config, error.line(), error.hint}, {}};
      continue;
    }
    auto& group = groups[*backend];
    group.jobs.push_back(make_job(tunnel, paths_, nominal_user(tunnel, paths_, host), host));
    group.tunnels.push_back(tunnel);
    group.rows.push_back(statuses.size() - 1);
  }
  Survivors survivors(paths_, host);
  for (const auto& [backend, group] : groups) {
    const auto answers = backend->query(group.jobs, host);
    if (!answers) warnings.push_back(answers.error().line());
    for (std::size_t i = 0; i < group.jobs.size(); ++i) {
      const auto registration = answers ? std::optional((*answers)[i]) : std::nullopt;
      complete(statuses[group.rows[i]], group.tunnels[i], *backend, group.jobs[i], registration, survivors, host);
      known_.push_back({group.rows[i], {group.jobs[i].name, group.tunnels[i]}, group.jobs[i], registration});
    }
  }
  doubt_unresponsive(statuses, host);
  return statuses;
}

std::vector<TunnelStatus> gather_status(const std::vector<store::Entry>& entries, const store::Paths& paths,
                                        const os::Host& host, std::vector<std::string>& warnings) {
  return StatusReader(paths, host).read(entries, warnings);
}

}  // namespace holdfast::tunnels
