#include "backends/host/boot.hpp"
#include "backends/host/installed_unit.hpp"
#include "backends/host/program_access.hpp"
#include "backends/host/systemctl.hpp"
#include "backends/registry.hpp"
#include "backends/text/unit.hpp"

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_proof_deadline{15000};

const char* const k_template = "systemd-system.service";
const char* const k_target = "multi-user.target";
const char* const k_unit_directory = "/etc/systemd/system";

constexpr Survival k_yes{Survival::Kind::yes, {}};

class SystemdSystem final : public Backend {
 public:
  std::string_view name() const noexcept override { return "systemd-system"; }
  Scope scope() const noexcept override { return Scope::system; }
  bool restarts_job() const noexcept override { return true; }

  Fitness assess(const os::Host& host) const override {
    const auto unavailable = [](std::string reason, std::optional<std::string> remedy = {}) {
      Fitness fitness{Fitness::Grade::unavailable, {}, std::move(reason), std::move(remedy)};
      if (fitness.remedy) fitness.with_remedy = Survives{k_yes, k_yes, k_yes};
      return fitness;
    };
    if (!is_booted_with_systemd(host)) return unavailable("this machine was not booted with systemd");
    if (!host.find_program("systemctl")) return unavailable("systemctl is not installed");
    if (host.user().uid != 0) return unavailable("only root can install a system service", "sudo holdfast setup …");
    if (auto problem = find_default_target_problem(host))
      return {Fitness::Grade::degraded, Survives{k_yes, k_yes, {}}, std::move(problem->text),
              std::move(problem->remedy), Survives{k_yes, k_yes, k_yes}};
    return {Fitness::Grade::good, Survives{k_yes, k_yes, k_yes}, "systemd runs system services on this machine", {}};
  }

  Survives survives(const Job&, const os::Host&) const override { return Survives{k_yes, k_yes, k_yes}; }

  // Runs our own program as that user in that sandbox: it fails where ProtectHome= or an old kernel would break a
  // tunnel.
  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    HOLDFAST_CHECK(require_executable_by(job.run_as, job.argv.front(), host));
    HOLDFAST_TRY(const auto unit, render_unit(job, k_template, host));
    std::vector<std::string> arguments{"--quiet", "--collect", "--property=Type=oneshot",
                                       "--description=holdfast proves that this machine runs its units"};
    for (auto& argument : sandbox_arguments(unit)) arguments.push_back(std::move(argument));
    arguments.insert(arguments.end(), {"--", job.argv.front(), "version"});
    return Plan{Run{Systemctl::of_machine(host).run_command(std::move(arguments)), {}, false, k_proof_deadline, {}}};
  }

  Result<Plan> install(const Job& job, const os::Host& host) const override {
    HOLDFAST_CHECK(require_executable_by(job.run_as, job.argv.front(), host));
    HOLDFAST_TRY(auto unit, render_unit(job, k_template, host));
    return install_unit(Systemctl::of_machine(host), job.name, k_unit_directory, std::move(unit), k_target, host);
  }

  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host& host) const override {
    auto plan = remove_unit(manager(host), tunnel, k_unit_directory, k_target);
    // systemd creates both (StateDirectory=, RuntimeDirectory=) and removes only the second.
    const auto runtime = store::system_runtime_directory(tunnel);
    const auto state = paths.state_directory(tunnel);
    plan.emplace_back(RemoveTree{runtime});
    plan.emplace_back(RemoveEmptyDirectory{runtime.parent_path()});
    plan.emplace_back(RemoveTree{state});
    plan.emplace_back(RemoveEmptyDirectory{state.parent_path()});
    return plan;
  }

  Result<Plan> start(const Job& job, const os::Host& host) const override {
    return start_unit(Systemctl::of_machine(host), job.name);
  }

  Result<Plan> stop(const Job& job, const os::Host& host) const override {
    if (!manager(host)) return Plan{};
    return stop_unit(Systemctl::of_machine(host), job.name);
  }

  Result<Plan> restart(const Job& job, const os::Host& host) const override {
    return restart_unit(Systemctl::of_machine(host), job.name);
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    HOLDFAST_TRY(auto answers, query_units(manager(host), {k_unit_directory, k_template, k_target}, jobs, host));
    if (const auto problem = find_default_target_problem(host)) add_boot_problem(answers, *problem);
    return answers;
  }

 private:
  static std::optional<Systemctl> manager(const os::Host& host) {
    if (!is_booted_with_systemd(host)) return std::nullopt;
    return Systemctl::of_machine(host);
  }
};

}  // namespace

const Backend& systemd_system_backend() {
  static const SystemdSystem backend;
  return backend;
}

}  // namespace holdfast::backends
