#include "tunnels/setup/planner.hpp"

#include "store/host_settings.hpp"
#include "supervisor/forwards_change.hpp"
#include "tunnels/setup/wanted_tunnel.hpp"
#include "tunnels/survival_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace holdfast::tunnels {
namespace {

std::string subject_of(const SetupRequest& request) { return "tunnel " + request.name.text(); }

bool is_backend_kept(const SetupRequest& request, const PreviousTunnel& previous) {
  return request.backend == "auto" || request.backend == (*previous.tunnel)->backend;
}

std::vector<SetupMessage> written_files(const backends::Plan& plan) {
  std::vector<SetupMessage> messages;
  for (const auto& step : plan)
    if (const auto* file = std::get_if<backends::WriteFile>(&step))
      messages.push_back({SetupMessage::Kind::done, "written", file->path.string()});
  return messages;
}

std::vector<SetupMessage> choice_messages(const BackendDecision& decision, const SetupRequest& request) {
  using Kind = SetupMessage::Kind;
  std::vector<SetupMessage> messages;
  for (const auto& note : decision.passed_over)
    messages.push_back(
        {Kind::warned, "passed over " + note.backend,
         note.remedy.empty() ? note.reason : fmt::format("{} (stronger with: {})", note.reason, note.remedy)});
  const auto& survives = decision.survives;
  messages.push_back({Kind::done, fmt::format("backend {}", decision.backend->name()), survival_text(survives)});
  if (request.paths.scope == Scope::user && survives.reboot.kind == Survival::Kind::no)
    messages.push_back({Kind::warned,
                        survives.logout.kind == Survival::Kind::no
                            ? "the tunnel ends when you log out, and nothing starts it again"
                            : "nothing starts the tunnel again after a reboot",
                        "to start it at your next login: holdfast hook --install"});
  if (survives.reboot.kind != Survival::Kind::yes && decision.remedy)
    messages.push_back({Kind::warned, "it could be stronger", *decision.remedy});
  return messages;
}

/// Steps that were planned for one kind of setup.
class StepList {
 public:
  StepList(const SetupRequest& request, const SetupFacts& facts, const BackendDecision& decision, const SetupPlan& plan,
           const BackendPlans& plans)
      : request_(request), facts_(facts), decision_(decision), tunnel_(plan.tunnel), job_(plan.job), plans_(plans) {}

  std::vector<SetupStep> install(backends::Plan install) const {
    std::vector<SetupStep> steps;
    const auto& previous = facts_.previous;
    if (previous.existed && !previous.half_moved && request_.paths.scope == Scope::user)
      steps.push_back({RemoveHandOverNote{}});
    steps.push_back(stop_previous());
    for (std::size_t at = 0; at < previous.installed_jobs.size(); ++at)
      if (previous.installed_jobs[at].backend != decision_.backend) add_removal(steps, at);
    steps.push_back(installing(std::move(install)));
    if (request_.take_over) steps.push_back({TakeOver{}});
    steps.push_back(
        {.action = ApplyPlan{plans_.start}, .done = {{SetupMessage::Kind::timed, "started"}}, .starts_clock = true});
    steps.push_back({await_up()});
    return steps;
  }

  std::vector<SetupStep> hand_over(backends::Plan install) const {
    const auto& previous = facts_.previous;
    const auto& old = previous.installed_jobs.front();
    const auto from = std::string(old.backend->name());
    const auto to = std::string(decision_.backend->name());
    const auto supervisor = previous.live->supervisor;
    std::vector<SetupStep> steps;
    if (facts_.own_process)
      steps.push_back({NoteHandOver{{*facts_.own_process, from, to, old.job.runtime_dir, facts_.was_lingering}}});
    // From here on the pidfile is the new job's. The previous supervisor is known by its live state.
    const auto pidfile = store::runtime_files(request_.name, old.job.runtime_dir).pidfile;
    steps.push_back({ApplyPlan{{backends::RemoveFile{pidfile}}}});
    steps.push_back(installing(std::move(install)));
    steps.push_back({ApplyPlan{plans_.start}});
    steps.push_back({AwaitQueued{job_, supervisor}, {{SetupMessage::Kind::done, to + " is ready to take over"}}});
    steps.push_back({.action = ReleasePrevious{plans_.previous.front().release, supervisor},
                     .done = {{SetupMessage::Kind::done, from + " has released the tunnel"}},
                     .starts_clock = true});
    steps.push_back({await_up()});
    add_removal(steps, 0);
    return steps;
  }

 private:
  SetupStep stop_previous() const {
    SetupStep step{StopPrevious{facts_.previous.installed_jobs, {}}};
    for (const auto& previous : plans_.previous) {
      auto& stop = std::get<StopPrevious>(step.action).stop;
      stop.insert(stop.end(), previous.stop.begin(), previous.stop.end());
    }
    if (facts_.previous.here) step.done.push_back({SetupMessage::Kind::done, "previous tunnel stopped"});
    return step;
  }

  void add_removal(std::vector<SetupStep>& steps, std::size_t at) const {
    const auto& backend = *facts_.previous.installed_jobs[at].backend;
    if (is_registered_for_others(backend, request_, facts_)) return;
    steps.push_back({ApplyPlan{plans_.previous[at].remove},
                     {{SetupMessage::Kind::done, fmt::format("removed from {}", backend.name())}}});
  }

  static SetupStep installing(backends::Plan plan) {
    auto written = written_files(plan);
    return {ApplyPlan{std::move(plan), true}, std::move(written)};
  }

  AwaitUp await_up() const {
    const auto& live = facts_.previous.live;
    return {job_, live ? std::optional(live->supervisor) : std::nullopt, doing(request_),
            static_cast<bool>(request_.take_over), tunnel_->allow_target_down};
  }

  const SetupRequest& request_;
  const SetupFacts& facts_;
  const BackendDecision& decision_;
  const Tunnel& tunnel_;
  const InstalledJob& job_;
  const BackendPlans& plans_;
};

}  // namespace

std::string doing(const SetupRequest& request) { return request.move ? "moving" : "setting up"; }

Result<> check_request(const SetupRequest& request, const SetupFacts& facts) {
  const auto& previous = facts.previous;
  const auto subject = subject_of(request);
  if (request.take_over && previous.existed)
    return Error{doing(request), subject, "another command has set it up meanwhile", "run the command again"};
  if (request.move && !previous.tunnel)
    return previous.problem.value_or(
        Error{"moving", subject, "there is no such tunnel", "holdfast status lists them", ExitStatus::no_such_tunnel});
  if (!previous.tunnel) return {};
  const auto& owner = (*previous.tunnel)->host;
  const bool elsewhere = !owner.empty() && owner != k_any_host && owner != facts.hostname;
  if (elsewhere && request.move)
    return Error{"moving", subject, "it belongs to host " + owner, "run the command there"};
  if (elsewhere && request.host != facts.hostname)
    return Error{"setting up", subject, "a tunnel of this name belongs to host " + owner,
                 fmt::format("give another name with -n; if {} is gone for good, take the tunnel over: --host {}",
                             owner, facts.hostname)};
  if (!request.move) return {};
  if (!previous.here) {
    const auto others = fmt::format("{}", fmt::join(facts.other_hosts, ", "));
    return Error{"moving", subject, "it is not set up on this host" + (others.empty() ? "" : ", only on " + others),
                 "run holdfast setup here first"};
  }
  if (!previous.registration)
    return Error{"moving", subject, fmt::format("its backend {} does not answer", (*previous.tunnel)->backend),
                 "holdfast doctor"};
  return {};
}

Change find_change(const SetupRequest& request, const SetupFacts& facts, bool pinned) {
  const auto& previous = facts.previous;
  if (!previous.tunnel || previous.half_moved || previous.installed_jobs.size() != 1) return Change::job;
  const auto& now = *previous.tunnel;
  if (request.move)
    return request.backend == now->backend && previous.is_held_by(now->backend) ? Change::none : Change::job;
  const auto& installed_job = previous.installed_jobs.front();
  const auto& registration = previous.registration;
  const bool damaged = registration && (!registration->installed || !registration->problems.empty());
  if (!previous.live || !is_backend_kept(request, previous)) return Change::job;
  if (!facts.job_in_place && !damaged) return Change::job;
  if (installed_job.backend != backends::find_backend(now->backend)) return Change::job;
  const auto wanted = wanted_tunnel(request, facts, now->backend, installed_job.job.runtime_dir, pinned);
  if (!wanted) return Change::job;
  if ((*wanted)->forwards != now->forwards)
    return damaged || supervisor::needs_new_login(now, *wanted) ? Change::job : Change::forwards;
  const bool is_up = facts.arrival && (facts.arrival->up || facts.arrival->standing_by ||
                                       (facts.arrival->target_down && now->allow_target_down));
  const bool as_wanted = *wanted == now && are_files_in_place(request, facts, *wanted);
  if (!registration || !registration->running || !is_up || !as_wanted) return Change::job;
  return damaged ? Change::repair : Change::none;
}

KeptBackend kept_backend(const SetupRequest& request, const SetupFacts& facts) {
  const auto& previous = facts.previous.tunnel;
  if (request.backend != "auto" || !previous) return {};
  const auto* backend = backends::find_backend((*previous)->backend);
  if (backend == nullptr || backend->scope() != request.paths.scope) return {};
  // Without --backend, setup leaves the tunnel where it is.
  if (!request.move) return {(*previous)->backend, true};
  // A move to `auto` compares with a backend that `auto` itself does not take.
  if (request.only_backends.empty() && !backends::is_in_choice(*backend, {})) return {(*previous)->backend, false};
  return {};
}

Result<std::vector<SetupStep>> plan_preparation(const SetupRequest& request, const SetupFacts& facts) {
  const auto& previous = facts.previous;
  // If an interrupted move turned linger on, setup records that, so that holdfast turns it off when nothing needs it.
  const bool left_on = previous.half_moved && !previous.half_moved->was_lingering;
  std::vector<SetupStep> steps;
  steps.push_back({RecordSetup{left_on ? store::LingerUse::turned_on : store::LingerUse::as_before}});
  if (request.paths.scope == Scope::system || !previous.can_release()) return steps;
  if (!facts.own_process)
    return Error{"noting", "the move of " + subject_of(request), "/proc cannot be read", "mount /proc"};
  const auto& old = previous.installed_jobs.front();
  const std::string backend(old.backend->name());
  steps.push_back({NoteHandOver{{*facts.own_process, backend, backend, old.job.runtime_dir, facts.was_lingering}}});
  return steps;
}

Result<SetupPlan> plan_forwards_change(const SetupRequest& request, const SetupFacts& facts, bool pinned) {
  const auto& installed_job = facts.previous.installed_jobs.front();
  HOLDFAST_TRY(const auto tunnel,
               wanted_tunnel(request, facts, installed_job.backend->name(), installed_job.job.runtime_dir, pinned));
  HOLDFAST_TRY(auto text, tunnel_file_text(request, facts, tunnel));
  const auto& paths = request.paths;
  SetupPlan plan{SetupPlan::Kind::change_forwards, installed_job, tunnel};
  plan.steps.push_back({.action = ApplyPlan{{backends::WriteFile{paths.tunnel_file(request.name), std::move(text),
                                                                 paths.file_mode, paths.directory_mode}}},
                        .starts_clock = true});
  plan.steps.push_back({AwaitReread{installed_job}});
  plan.steps.push_back({AwaitUp{installed_job, {}, "changing", false, tunnel->allow_target_down},
                        {{SetupMessage::Kind::done, "forwards changed", "the connection stayed"}}});
  return plan;
}

SetupPlan plan_repair(const SetupRequest& request, const SetupFacts& facts, InstalledJob job, const Survives& survives,
                      backends::Plan install) {
  SetupPlan plan{SetupPlan::Kind::repair, std::move(job), *facts.previous.tunnel, survives};
  SetupStep step{ApplyPlan{std::move(install), true}};
  for (const auto& problem : facts.previous.registration->problems)
    step.done.push_back({SetupMessage::Kind::done, "repaired", problem});
  step.starts_clock = true;
  plan.steps.push_back(std::move(step));
  plan.steps.push_back({AwaitUp{plan.job, {}, doing(request)}});
  return plan;
}

Result<SetupPlan> plan_setup(const SetupRequest& request, const SetupFacts& facts, const BackendDecision& decision,
                             const Tunnel& tunnel, const InstalledJob& job, const BackendPlans& plans,
                             const std::optional<std::string>& pinned_lines) {
  const auto& previous = facts.previous;
  SetupPlan plan{SetupPlan::Kind::install, job, tunnel, decision.survives, choice_messages(decision, request)};
  if (request.move && previous.is_held_by(decision.backend->name())) {
    plan.kind = SetupPlan::Kind::keep;
    return plan;
  }
  HOLDFAST_TRY(auto install, file_steps(request, facts, tunnel, pinned_lines));
  install.insert(install.end(), plans.install.begin(), plans.install.end());
  const StepList list(request, facts, decision, plan, plans);
  if (previous.can_release() && previous.installed_jobs.front().backend != decision.backend) {
    plan.kind = SetupPlan::Kind::hand_over;
    plan.steps = list.hand_over(std::move(install));
  } else {
    plan.steps = list.install(std::move(install));
  }
  return plan;
}

bool is_registered_for_others(const backends::Backend& backend, const SetupRequest& request, const SetupFacts& facts) {
  // A user unit lies in the home: where other hosts have the tunnel, it is theirs as well.
  const auto& previous = facts.previous.tunnel;
  return backend.name() == "systemd-user" && previous && store::is_shared(*previous, request.paths) &&
         !facts.other_hosts.empty();
}

}  // namespace holdfast::tunnels
