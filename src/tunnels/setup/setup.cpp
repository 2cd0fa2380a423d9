#include "tunnels/setup/setup.hpp"

#include "backends/text/login_hook_text.hpp"
#include "ssh/client/arguments.hpp"
#include "store/host_settings.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/setup/bastion_checks.hpp"
#include "tunnels/setup/engine_check.hpp"
#include "tunnels/setup/planner.hpp"
#include "tunnels/setup/runtime_directory.hpp"
#include "tunnels/setup/scratch_directory.hpp"
#include "tunnels/setup/wanted_tunnel.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

/// The result of check_host(): the ssh client and the backends to choose from.
struct Checked {
  ssh::Client client;
  std::vector<backends::AssessedBackend> candidates;
  std::vector<PassedOver> passed_over;
};

Result<std::vector<backends::AssessedBackend>> find_setup_candidates(const SetupRequest& request,
                                                                     const SetupFacts& facts, const os::Host& host,
                                                                     std::vector<PassedOver>& passed_over) {
  const auto scope = request.paths.scope;
  const auto kept = kept_backend(request, facts);
  std::vector<backends::AssessedBackend> own;
  if (kept.name)
    if (auto usable = find_candidates(*kept.name, {}, scope, host, passed_over)) own = std::move(*usable);
  if (kept.alone && !own.empty()) return own;
  HOLDFAST_TRY(auto candidates, find_candidates(request.backend, request.only_backends, scope, host, passed_over));
  candidates.insert(candidates.end(), own.begin(), own.end());
  return backends::ranked(std::move(candidates));
}

/// Checks the programs and backends that setup needs. Does not contact the bastion.
Result<Checked> check_host(const SetupRequest& request, const SetupFacts& facts, const os::Host& host,
                           Observer& observer) {
  HOLDFAST_TRY(auto client, ssh::find_client(host));
  observer.detail(fmt::format("ssh is {}, OpenSSH {}.{}; holdfast is {}", client.program.string(), client.version.major,
                              client.version.minor, host.self().string()));
  Checked checked{std::move(client), {}, {}};
  HOLDFAST_TRY(checked.candidates, find_setup_candidates(request, facts, host, checked.passed_over));
  HOLDFAST_CHECK(check_cancelled(observer));
  HOLDFAST_TRY(const auto tunnel,
               wanted_tunnel(request, facts, checked.candidates.front().backend->name(), request.paths.state));
  HOLDFAST_CHECK(check_engine(request, tunnel, checked.client, host));
  return checked;
}

/// The lines of a host key that was accepted now, if any.
Result<std::optional<std::string>> preflight(const SetupRequest& request, const SetupFacts& facts,
                                             const Checked& checked, const fs::path& lock_directory, os::Host& host,
                                             Observer& observer) {
  if (!request.preflight) return std::optional<std::string>();
  HOLDFAST_TRY(const auto scratch_directory, ScratchDirectory::make(lock_directory, request.run_as, host));
  HOLDFAST_TRY(const auto tunnel,
               wanted_tunnel(request, facts, checked.candidates.front().backend->name(), scratch_directory.path()));
  return check_bastions(request, facts, tunnel, checked.client, host, observer);
}

BackendDecision decide(const backends::AssessedBackend& assessed, std::vector<PassedOver> passed_over,
                       const SetupRequest& request, const os::Host& host) {
  auto survives = assessed.fitness.survives;
  // A login hook starts, at the next login, a tunnel that nothing else restarts.
  if (request.paths.scope == Scope::user && !assessed.backend->restarts_job())
    survives = backends::with_login_hook(survives, request.paths, host);
  return {assessed.backend, survives, assessed.fitness.remedy, std::move(passed_over)};
}

/// For a host on which the previous job has ended: start() itself would find its process in the pidfile.
Result<backends::Plan> start_plan(const SetupFacts& facts, const InstalledJob& job, const os::Host& host) {
  if (job.backend->restarts_job() || facts.previous.installed_jobs.empty()) return job.backend->start(job.job, host);
  HOLDFAST_TRY(auto plan, job.backend->restart(job.job, host));
  std::erase_if(plan, [](const auto& step) { return std::holds_alternative<backends::Terminate>(step); });
  return plan;
}

Result<BackendPlans> collect_backend_plans(const SetupFacts& facts, const InstalledJob& job, const os::Host& host) {
  BackendPlans plans;
  HOLDFAST_TRY(plans.install, job.backend->install(job.job, host));
  HOLDFAST_TRY(plans.start, start_plan(facts, job, host));
  for (const auto& old : facts.previous.installed_jobs) {
    BackendPlans::Previous previous;
    HOLDFAST_TRY(previous.stop, old.backend->stop(old.job, host));
    HOLDFAST_TRY(previous.release, release_plan(old, host));
    HOLDFAST_TRY(previous.remove, old.backend->remove(old.job.name, old.job.paths, host));
    plans.previous.push_back(std::move(previous));
  }
  return plans;
}

Result<SetupPlan> make_plan(const SetupRequest& request, const SetupFacts& facts, const BackendDecision& decision,
                            const std::optional<std::string>& pinned_lines, Claim claim, const os::Host& host,
                            Observer& observer) {
  const auto& backend = *decision.backend;
  HOLDFAST_TRY(const auto runtime_dir,
               runtime_directory_for(request, facts.previous, backend, decision.survives, claim, host, observer));
  HOLDFAST_TRY(const auto tunnel, wanted_tunnel(request, facts, backend.name(), runtime_dir, pinned_lines.has_value()));
  const InstalledJob job{&backend, make_job(tunnel, request.paths, request.run_as, host)};
  HOLDFAST_TRY(const auto plans, collect_backend_plans(facts, job, host));
  return plan_setup(request, facts, decision, tunnel, job, plans, pinned_lines);
}

void report_choice(const SetupPlan& plan, Observer& observer) {
  for (const auto& message : plan.messages)
    message.kind == SetupMessage::Kind::warned ? observer.step_warned(message.what, message.figure)
                                               : observer.step_done(message.what, message.figure);
}

/// Tests the candidates and chooses a backend. Setup changes the host from here on.
Result<BackendDecision> choose_backend(const SetupRequest& request, const SetupFacts& facts, Checked checked,
                                       Executor& executor, const os::Host& host) {
  // The tests need a job. Its runtime directory is provisional: the final one depends on the chosen backend.
  const auto directory = request.paths.scope == Scope::system
                             ? store::system_runtime_directory(request.name)
                             : store::runtime_directory_candidates(host, false).front();
  HOLDFAST_TRY(const auto tunnel, wanted_tunnel(request, facts, checked.candidates.front().backend->name(), directory));
  const auto job = make_job(tunnel, request.paths, request.run_as, host);
  HOLDFAST_TRY(const auto chosen, executor.prove(std::move(checked.candidates), job, checked.passed_over));
  return decide(chosen, std::move(checked.passed_over), request, host);
}

/// Carries `plan` out, or undoes everything.
Result<SetupOutcome> execute(const SetupPlan& plan, Executor& executor, const Observer& observer) {
  auto outcome = executor.run(plan);
  if (outcome) return outcome;
  return executor.undo(observer.is_cancelled() ? cancelled() : std::move(outcome).error(), &plan);
}

Result<SetupOutcome> install(const SetupRequest& request, const SetupFacts& facts, Checked checked,
                             const std::optional<std::string>& pinned_lines, os::Host& host, Observer& observer) {
  HOLDFAST_TRY(const auto preparation, plan_preparation(request, facts));
  Executor executor(request, facts, host, observer);
  const auto prepare = [&]() -> Result<SetupPlan> {
    HOLDFAST_CHECK(executor.run(preparation));
    HOLDFAST_TRY(const auto decision, choose_backend(request, facts, std::move(checked), executor, host));
    return make_plan(request, facts, decision, pinned_lines, Claim::make, host, observer);
  };
  auto plan = prepare();
  if (!plan) return executor.undo(observer.is_cancelled() ? cancelled() : std::move(plan).error(), nullptr);
  report_choice(*plan, observer);
  return execute(*plan, executor, observer);
}

/// For Change::repair.
Result<SetupPlan> make_repair_plan(const SetupRequest& request, const SetupFacts& facts, const os::Host& host) {
  const auto& backend = *facts.previous.installed_jobs.front().backend;
  InstalledJob job{&backend, make_job(*facts.previous.tunnel, request.paths, request.run_as, host)};
  HOLDFAST_TRY(auto install, backend.install(job.job, host));
  const auto survives = backend.survives(job.job, host);
  return plan_repair(request, facts, std::move(job), survives, std::move(install));
}

SetupOutcome unchanged(const SetupFacts& facts) {
  SetupOutcome outcome{*facts.previous.tunnel, false};
  if (!facts.arrival) return outcome;
  if (!facts.arrival->verified) outcome.unverified = facts.arrival->failure;
  outcome.standing_by = facts.arrival->standing_by;
  if (facts.arrival->target_down) outcome.target_down = facts.arrival->failure;
  return outcome;
}

std::string nothing_to_do(const SetupRequest& request, const SetupFacts& facts) {
  const auto& name = request.name.text();
  if (request.move) return fmt::format("nothing: {} holds tunnel {} already", (*facts.previous.tunnel)->backend, name);
  const bool standing_by = facts.arrival && facts.arrival->standing_by;
  const bool is_waiting = facts.arrival && facts.arrival->target_down;
  return fmt::format("nothing: tunnel {} is {} already", name,
                     standing_by  ? "standing by"
                     : is_waiting ? "open and waiting for its target"
                                  : "up");
}

void note_other_hosts(const SetupRequest& request, const SetupFacts& facts, Observer& observer) {
  if (!facts.previous.tunnel || !store::is_shared(*facts.previous.tunnel, request.paths) || facts.host_settings) return;
  for (const auto& other : facts.other_hosts)
    observer.note(
        fmt::format("tunnel {} is set up on host {} already: setting it up here too", request.name.text(), other));
}

class Lines {
 public:
  explicit Lines(const SetupRequest& request) : request_(request) {}
  void add(const std::vector<SetupStep>& steps) {
    for (const auto& step : steps) add(preview_lines(step.action, request_));
  }
  void add(std::vector<std::string> more) {
    for (auto& line : more) lines_.push_back(std::move(line));
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  const SetupRequest& request_;
  std::vector<std::string> lines_;
};

Result<std::vector<std::string>> preview_installation(const SetupRequest& request, const SetupFacts& facts,
                                                      const os::Host& host, Observer& observer) {
  HOLDFAST_TRY(auto checked, check_host(request, facts, host, observer));
  const auto& best = checked.candidates.front();
  leave_out_weaker(checked.passed_over, *best.backend);
  const auto decision = decide(best, std::move(checked.passed_over), request, host);
  HOLDFAST_TRY(const auto plan, make_plan(request, facts, decision, {}, Claim::preview, host, observer));
  if (plan.kind == SetupPlan::Kind::keep) return std::vector{nothing_to_do(request, facts)};
  report_choice(plan, observer);
  HOLDFAST_TRY(const auto preparation, plan_preparation(request, facts));
  HOLDFAST_TRY(auto proof, best.backend->prove(plan.job.job, host));
  HOLDFAST_TRY(auto engine, engine_lines(plan.tunnel, checked.client, host));
  Lines lines(request);
  lines.add(preparation);
  lines.add(preview_lines(ApplyPlan{std::move(proof)}, request));
  if (request.accept_new_host_key && request.preflight && !plan.tunnel->known_hosts)
    lines.add({fmt::format("write {} ({:04o}), the bastion's host key, if it is not known here yet",
                           pin_file(request.name, request.paths).string(), request.paths.file_mode)});
  lines.add(plan.steps);
  lines.add(std::move(engine));
  return lines.take();
}

}  // namespace

Result<SetupOutcome> run_setup(const SetupRequest& request, os::Host& host, Observer& observer) {
  HOLDFAST_TRY(const auto lock, NameLock::take(request.name, request.paths, host));
  remove_abandoned(lock.directory(), host);
  HOLDFAST_TRY(const auto facts, collect_facts(request, host));
  HOLDFAST_CHECK(check_request(request, facts));
  note_other_hosts(request, facts, observer);
  const auto change = find_change(request, facts);
  if (change == Change::none) return unchanged(facts);
  if (change == Change::repair) {
    HOLDFAST_TRY(const auto plan, make_repair_plan(request, facts, host));
    Executor executor(request, facts, host, observer);
    return execute(plan, executor, observer);
  }
  HOLDFAST_TRY(auto checked, check_host(request, facts, host, observer));
  HOLDFAST_TRY(const auto pinned_lines, preflight(request, facts, checked, lock.directory(), host, observer));
  HOLDFAST_CHECK(check_cancelled(observer));
  if (find_change(request, facts, pinned_lines.has_value()) != Change::forwards)
    return install(request, facts, std::move(checked), pinned_lines, host, observer);
  HOLDFAST_TRY(const auto plan, plan_forwards_change(request, facts));
  Executor executor(request, facts, host, observer);
  return execute(plan, executor, observer);
}

Result<std::vector<std::string>> preview_setup(const SetupRequest& request, const os::Host& host, Observer& observer) {
  HOLDFAST_TRY(const auto facts, collect_facts(request, host));
  HOLDFAST_CHECK(check_request(request, facts));
  const auto change = find_change(request, facts);
  switch (change) {
    case Change::none:
      return std::vector{nothing_to_do(request, facts)};
    case Change::repair:
    case Change::forwards: {
      HOLDFAST_TRY(const auto plan, change == Change::repair ? make_repair_plan(request, facts, host)
                                                             : plan_forwards_change(request, facts));
      Lines lines(request);
      lines.add(plan.steps);
      return lines.take();
    }
    case Change::job:
      break;
  }
  return preview_installation(request, facts, host, observer);
}

}  // namespace holdfast::tunnels
