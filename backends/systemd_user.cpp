#include "backends/host/boot.hpp"
#include "backends/host/installed_unit.hpp"
#include "backends/host/late_home.hpp"
#include "backends/host/logind.hpp"
#include "backends/host/systemctl.hpp"
#include "backends/registry.hpp"
#include "backends/text/login_hook_text.hpp"
#include "backends/text/unit.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_assess_deadline{2000};
constexpr std::chrono::milliseconds k_proof_deadline{15000};

const char* const k_template = "systemd-user.service";
const char* const k_target = "default.target";

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survives k_with_linger{k_yes, k_yes, k_yes};
// The unit stays enabled: the next login starts the user manager, which starts the unit.
constexpr Survival k_at_login{Survival::Kind::at_login, {}};
constexpr Survives k_without_linger{k_yes, k_at_login, k_at_login};

// After a boot, the manager does not find the unit: the home is not mounted yet.
constexpr Survives k_with_late_home{k_yes, k_yes, {}};

/// No tunnel's name begins with "-".
std::string proof_unit_name(const TunnelName& name) { return "holdfast--proof-" + name.text() + ".service"; }

class SystemdUser final : public Backend {
 public:
  std::string_view name() const noexcept override { return "systemd-user"; }
  Scope scope() const noexcept override { return Scope::user; }
  bool restarts_job() const noexcept override { return true; }

  Fitness assess(const os::Host& host) const override {
    if (!host.find_program("systemctl")) return unavailable("systemctl is not installed");
    const auto manager = user_manager(host);
    if (!manager)
      return unavailable("no systemd user manager is running for you",
                         can_have_manager(host) ? std::optional("log in by ssh instead of su or sudo") : std::nullopt);
    const auto answer = host.run(manager->command({"show", "--property=Version", "--value"}), k_assess_deadline);
    if (!answer) return unavailable(answer.error().line());
    if (answer->timed_out)
      return unavailable("your systemd user manager did not answer within 2 s (see: systemctl --user status)");
    if (!answer->ok())
      return unavailable("your systemd user manager cannot be reached: " + printable(first_line(answer->err)));
    auto fitness = by_linger(host);
    auto problem = find_user_manager_problem(host.user(), host);
    if (!problem || fitness.survives.reboot == Survival{}) return fitness;
    return {Fitness::Grade::degraded, limited_by(fitness.survives, Registration{.starts = false}),
            "your systemd user manager does not start at boot: " + problem->text, std::move(problem->remedy),
            fitness.survives};
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    if (!is_lingering(host, host.user())) return k_without_linger;
    return is_late_home(host) ? with_login_hook(k_with_late_home, job.paths, host) : k_with_linger;
  }

  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto manager, require_manager(host));
    HOLDFAST_TRY(const auto unit, render_unit(job, k_template, host));
    Plan plan = optional_linger(host);
    append_unit_proof(plan, manager, job.name, host);
    std::vector<std::string> arguments{"--quiet", "--collect", "--property=Type=oneshot",
                                       "--description=holdfast proves that this user manager runs units"};
    for (auto& argument : sandbox_arguments(unit)) arguments.push_back(std::move(argument));
    arguments.insert(arguments.end(), {"--", job.argv.front(), "version"});
    plan.emplace_back(Run{manager.run_command(std::move(arguments)), {}, false, k_proof_deadline, {}});
    return plan;
  }

  Result<Plan> install(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto manager, require_manager(host));
    HOLDFAST_TRY(auto unit, render_unit(job, k_template, host));
    Plan plan = optional_linger(host);
    for (auto& step : install_unit(manager, job.name, user_unit_directory(host), std::move(unit), k_target, host))
      plan.push_back(std::move(step));
    return plan;
  }

  Result<Plan> remove(const TunnelName& tunnel, const store::Paths&, const os::Host& host) const override {
    const auto manager = user_manager(host);
    // Without one, nothing says where it looked.
    const auto directories = manager ? std::vector{user_unit_directory(host)} : possible_directories(host);
    Plan plan;
    for (const auto& directory : directories) {
      for (auto& step : remove_unit(manager, tunnel, directory, k_target)) plan.push_back(std::move(step));
      plan.emplace_back(RemoveFile{directory / proof_unit_name(tunnel)});  // of a setup that was killed
    }
    return plan;
  }

  // The manager may have started before the home was mounted, and does not know the unit then.
  Result<Plan> start(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto manager, require_manager(host));
    Plan plan = reload_manager(manager);
    for (auto& step : start_unit(manager, job.name)) plan.push_back(std::move(step));
    return plan;
  }

  Result<Plan> stop(const Job& job, const os::Host& host) const override {
    const auto manager = user_manager(host);
    if (!manager) return Plan{};  // without a manager no unit runs
    return stop_unit(*manager, job.name);
  }

  Result<Plan> restart(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto manager, require_manager(host));
    return restart_unit(manager, job.name);
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    HOLDFAST_TRY(auto answers,
                 query_units(user_manager(host), {directory_of_units(jobs, host), k_template, k_target}, jobs, host));
    const bool lingering = is_lingering(host, host.user());
    // Setup chooses this runtime directory only with linger.
    const auto with_linger = store::runtime_directory_candidates(host, true).front();
    for (std::size_t at = 0; at < jobs.size(); ++at)
      if (!lingering && jobs[at].runtime_dir == with_linger)
        answers[at].problems.emplace_back("linger is off: your user manager ends when you log out");
    if (const auto problem = find_user_manager_problem(host.user(), host)) add_boot_problem(answers, *problem);
    return answers;
  }

 private:
  /// Asks the manager only when no unit of `jobs` is in the usual directory.
  static fs::path directory_of_units(std::span<const Job> jobs, const os::Host& host) {
    const auto usual = host.user().home / ".config/systemd/user";
    const bool is_usual = jobs.empty() || std::ranges::any_of(jobs, [&](const Job& job) {
                            return host.status(usual / unit_name(job.name)).kind != os::FileKind::missing;
                          });
    return is_usual ? usual : user_unit_directory(host);
  }

  /// ~/.config/systemd/user and, if our XDG_CONFIG_HOME names another one, that.
  static std::vector<fs::path> possible_directories(const os::Host& host) {
    std::vector<fs::path> directories{host.user().home / ".config/systemd/user"};
    const auto exported = fs::path(host.env("XDG_CONFIG_HOME").value_or("")) / "systemd/user";
    if (exported.is_absolute() && exported != directories.front()) directories.push_back(exported);
    return directories;
  }

  /// Proves that the manager finds a unit in the directory that install() writes to.
  static void append_unit_proof(Plan& plan, const Systemctl& manager, const TunnelName& name, const os::Host& host) {
    const auto unit = proof_unit_name(name);
    const auto file = user_unit_directory(host) / unit;
    plan.emplace_back(WriteFile{file, "[Service]\nType=oneshot\nExecStart=/bin/true\n", 0644, 0755});
    plan.emplace_back(Run{manager.command({"cat", "--no-pager", unit}), {}, false, k_assess_deadline, {}});
    plan.emplace_back(RemoveFile{file});
  }

  // It may fail. Without linger the backend works until logout, and assess() says so.
  static Plan optional_linger(const os::Host& host) {
    Plan plan = linger_on(host.user(), host);
    for (auto& step : plan)
      if (auto* run = std::get_if<Run>(&step)) run->may_fail = true;
    return plan;
  }

  static Fitness unavailable(std::string reason, std::optional<std::string> remedy = {}) {
    Fitness fitness{Fitness::Grade::unavailable, {}, std::move(reason), std::move(remedy)};
    if (fitness.remedy) fitness.with_remedy = k_with_linger;
    return fitness;
  }

  /// False if this login has a session in logind: that starts a manager where one can run, so another login won't help.
  static bool can_have_manager(const os::Host& host) {
    if (!is_booted_with_systemd(host)) return false;
    const auto group = host.read_file("/proc/self/cgroup");
    return !group || group->find(fmt::format("/user-{}.slice/", host.user().uid)) == std::string::npos;
  }

  static Fitness by_linger(const os::Host& host) {
    const bool lingering = is_lingering(host, host.user());
    if (is_late_home(host) && (lingering || linger_permission(host) == Permission::granted))
      return {Fitness::Grade::degraded, k_with_late_home,
              fmt::format("your home {} is a mount of its own: after a boot, your user manager may start before it",
                          host.user().home.string())};
    if (lingering)
      return {Fitness::Grade::good, k_with_linger, "your systemd user manager runs, and linger keeps it running", {}};
    const auto permission = linger_permission(host);
    if (permission == Permission::granted)
      return {Fitness::Grade::good, k_with_linger,
              "your systemd user manager runs; setup turns linger on to keep it running"};
    // If polkit does not answer us, it does not answer logind either, and logind refuses.
    std::string reason = "your systemd user manager ends when you log out: linger is off, and ";
    reason += permission == Permission::refused ? "you are not allowed to turn it on"
                                                : "polkit did not confirm that you are allowed to turn it on";
    return {Fitness::Grade::degraded, k_without_linger, std::move(reason), linger_remedy(host.user()), k_with_linger};
  }

  static Result<Systemctl> require_manager(const os::Host& host) {
    if (auto manager = user_manager(host)) return *manager;
    return Error{"reaching", "your systemd user manager", "none is running",
                 "log in by ssh instead of su or sudo, or choose --backend nohup", ExitStatus::no_backend};
  }
};

}  // namespace

const Backend& systemd_user_backend() {
  static const SystemdUser backend;
  return backend;
}

}  // namespace holdfast::backends
