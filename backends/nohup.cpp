#include "backends/host/logind.hpp"
#include "backends/host/stop_mark.hpp"
#include "backends/pidfile.hpp"
#include "backends/registry.hpp"
#include "backends/text/login_hook_text.hpp"

namespace holdfast::backends {
namespace {

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_no{};

fs::path pidfile_of(const Job& job) { return store::runtime_files(job.name, job.runtime_dir).pidfile; }

// A detached process and a pidfile. What is installed is the tunnel's file alone.
class Nohup final : public Backend {
 public:
  std::string_view name() const noexcept override { return "nohup"; }
  Scope scope() const noexcept override { return Scope::user; }
  bool restarts_job() const noexcept override { return false; }

  Fitness assess(const os::Host& host) const override {
    const auto group = control_group(host, 0);
    if (survives_logout(group, host, host.user()))
      return {Fitness::Grade::degraded,
              Survives{k_no, k_yes, k_no},
              "a background process: nothing starts it again after a crash or a reboot",
              {}};
    Fitness fitness{Fitness::Grade::degraded, Survives{k_no, k_no, k_no},
                    "a background process: " + why_not_logout(group, host, host.user())};
    if (group == ControlGroup::user_manager) {
      fitness.remedy = linger_remedy(host.user());
      fitness.with_remedy = Survives{k_no, k_yes, k_no};
    }
    return fitness;
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    const auto process = running_process(host, pidfile_of(job));
    const auto group = control_group(host, process ? process->pid : 0);
    const Survives alone{k_no, survives_logout(group, host, host.user()) ? k_yes : k_no, k_no};
    return with_login_hook(alone, job.paths, host);
  }

  Result<Plan> prove(const Job&, const os::Host&) const override { return Plan{}; }
  Result<Plan> install(const Job&, const os::Host&) const override { return Plan{}; }
  // Stop has ended the process and taken its pidfile away.
  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host&) const override {
    return Plan{RemoveFile{stop_mark_file(tunnel, paths)}};
  }

  Result<Plan> start(const Job& job, const os::Host& host) const override {
    Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}};
    if (!running_process(host, pidfile_of(job))) plan.push_back(start_step(job));
    return plan;
  }

  Result<Plan> stop(const Job& job, const os::Host& host) const override {
    return Plan{leave_stop_mark(job.name, job.paths, host), Terminate{pidfile_of(job)}};
  }

  Result<Plan> restart(const Job& job, const os::Host&) const override {
    return Plan{RemoveFile{stop_mark_file(job.name, job.paths)}, Terminate{pidfile_of(job)}, start_step(job)};
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    std::vector<Registration> answers;
    for (const auto& job : jobs) {
      const bool installed = host.status(job.paths.tunnel_file(job.name)).kind != os::FileKind::missing;
      answers.push_back({installed, running_process(host, pidfile_of(job)).has_value(), false});
    }
    return answers;
  }

 private:
  // The supervisor keeps its own log: nothing of its output is wanted.
  static Step start_step(const Job& job) {
    return StartDetached{os::Detached{os::Command{job.argv, job.environment, {}}, {}}, pidfile_of(job)};
  }
};

}  // namespace

const Backend& nohup_backend() {
  static const Nohup backend;
  return backend;
}

}  // namespace holdfast::backends
