#include "backends/host/logind.hpp"
#include "backends/pidfile_backend.hpp"
#include "backends/registry.hpp"
#include "backends/text/login_hook_text.hpp"

namespace holdfast::backends {
namespace {

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_no{};

// A detached process with a pidfile. It installs only the tunnel file.
class Nohup final : public PidfileBackend {
 public:
  std::string_view name() const noexcept override { return "nohup"; }

  Fitness assess(const os::Host& host) const override {
    const auto group = control_group(host, 0);
    if (survives_logout(group, host, host.user()))
      return {Fitness::Grade::degraded,
              Survives{k_no, k_yes, k_no},
              "a background process: not restarted after a crash or a reboot",
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
};

}  // namespace

const Backend& nohup_backend() {
  static const Nohup backend;
  return backend;
}

}  // namespace holdfast::backends
