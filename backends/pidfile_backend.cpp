#include "backends/pidfile_backend.hpp"

#include "backends/host/stop_mark.hpp"
#include "store/installation_record.hpp"
#include "store/tunnel_store.hpp"

namespace holdfast::backends {
namespace {

void append(Plan& plan, Plan more) {
  plan.insert(plan.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// These backends install nothing but the tunnel's file, which a user may also have written by hand. Without the record
/// of this host, setup's file is known by its runtime directory.
bool is_set_up(const Job& job, const os::Host& host) {
  const auto record = store::InstallationRecord::load(host, job.paths);
  if (record && !record->tunnels().empty()) return record->tunnels().contains(job.name.text());
  const auto tunnel = store::load_as_written(host, job.paths, job.name);
  return !tunnel || (*tunnel)->runtime_dir.has_value();
}

}  // namespace

fs::path pidfile_of(const Job& job) { return store::runtime_files(job.name, job.runtime_dir).pidfile; }

Result<Plan> PidfileBackend::remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host&) const {
  return Plan{RemoveFile{stop_mark_file(tunnel, paths)}};
}

Result<Plan> PidfileBackend::start(const Job& job, const os::Host& host) const {
  Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}};
  if (!running_process(host, pidfile_of(job))) HOLDFAST_CHECK(append_start(plan, job, host));
  return plan;
}

Result<Plan> PidfileBackend::stop(const Job& job, const os::Host& host) const {
  // The mark first: cron may run `ensure` at any moment.
  Plan plan{leave_stop_mark(job.name, job.paths, host), Terminate{pidfile_of(job)}};
  append(plan, clean_up(job, host));
  return plan;
}

Result<Plan> PidfileBackend::restart(const Job& job, const os::Host& host) const {
  Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}, Terminate{pidfile_of(job)}};
  HOLDFAST_CHECK(append_start(plan, job, host));
  return plan;
}

Result<std::vector<Registration>> PidfileBackend::query(std::span<const Job> jobs, const os::Host& host) const {
  std::vector<Registration> answers;
  for (const auto& job : jobs) {
    const bool running = running_process(host, pidfile_of(job)).has_value();
    const bool exists = host.status(job.paths.tunnel_file(job.name)).kind != os::FileKind::missing;
    answers.push_back({.installed = exists && (running || is_set_up(job, host)), .running = running});
  }
  return answers;
}

Result<Plan> PidfileBackend::start_process(const Job& job, const os::Host&) const {
  // The supervisor writes its own log: its output is discarded.
  return Plan{StartDetached{os::Detached{os::Command{job.argv, job.environment, {}}, {}}, pidfile_of(job)}};
}

Result<> PidfileBackend::append_start(Plan& plan, const Job& job, const os::Host& host) const {
  append(plan, clean_up(job, host));
  HOLDFAST_TRY(auto steps, start_process(job, host));
  append(plan, std::move(steps));
  return {};
}

}  // namespace holdfast::backends
