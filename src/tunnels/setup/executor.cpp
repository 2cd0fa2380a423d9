#include "tunnels/setup/executor.hpp"

#include "backends/host/logind.hpp"
#include "store/host_settings.hpp"
#include "tunnels/ownership.hpp"
#include "tunnels/removal.hpp"

#include <fmt/format.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::milliseconds k_timeout{30000};

std::chrono::milliseconds milliseconds_since(std::chrono::steady_clock::time_point begin, const os::Host& host) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(host.now() - begin);
}

bool is_lingering_needed(const SetupPlan& plan, const SetupRequest& request, const os::Host& host) {
  if (plan.job.backend->name() == "systemd-user") return true;
  // A process that only lingering keeps from its user's last logout. What the machine itself starts again needs none.
  if (request.paths.scope == Scope::system || plan.survives.logout.kind != Survival::Kind::yes) return false;
  if (plan.survives.reboot.kind == Survival::Kind::yes) return false;
  return backends::control_group(host, 0) == backends::ControlGroup::user_manager ||
         backends::kills_user_processes(host, host.user());
}

}  // namespace

Executor::Executor(const SetupRequest& request, const SetupFacts& facts, os::Host& host, Observer& observer)
    : request_(request), facts_(facts), host_(host), observer_(observer), clock_(host.now()) {}

Result<> Executor::run(const std::vector<SetupStep>& steps) {
  for (const auto& step : steps) {
    const auto begin = host_.now();
    if (step.starts_clock) clock_ = begin;
    HOLDFAST_CHECK(std::visit([this](const auto& action) { return execute(action); }, step.action));
    report(step, begin);
    HOLDFAST_CHECK(check_cancelled(observer_));
  }
  return {};
}

Result<backends::AssessedBackend> Executor::prove(std::vector<backends::AssessedBackend> candidates,
                                                  const backends::Job& job, std::vector<PassedOver>& passed_over) {
  HOLDFAST_CHECK(record_proof(*candidates.front().backend, job));
  HOLDFAST_TRY(auto chosen, prove_best(std::move(candidates), job, host_, passed_over));
  applied_.append(std::move(chosen.proof));
  HOLDFAST_CHECK(check_cancelled(observer_));
  return std::move(chosen.assessed);
}

/// Before the proof: a setup that is killed undoes nothing, and then `remove` does, from the record. Another setup that
/// fails meanwhile sees there that this tunnel needs linger.
Result<> Executor::record_proof(const backends::Backend& backend, const backends::Job& job) {
  if (backend.name() != "systemd-user") return {};
  const auto plan = backend.prove(job, host_);
  if (!plan) return {};  // prove_best() reports it
  const auto planned = facts_.was_lingering ? store::LingerUse::needed : store::LingerUse::turned_on;
  return store::add_to_record(host_, request_.paths, request_.name, backends::directories_to_make(*plan, host_),
                              facts_.previous.here ? store::LingerUse::as_before : planned);
}

Result<SetupOutcome> Executor::run(const SetupPlan& plan) {
  HOLDFAST_CHECK(run(plan.steps));
  // A proof may have turned linger on: that is a change to be recorded, although the tunnel stays where it is.
  const bool kept = plan.kind == SetupPlan::Kind::keep;
  const bool changed = !kept || (!facts_.was_lingering && backends::is_lingering(host_, host_.user()));
  if (changed && plan.kind != SetupPlan::Kind::change_forwards) HOLDFAST_CHECK(commit(plan));
  if (plan.kind != SetupPlan::Kind::change_forwards) HOLDFAST_CHECK(execute(RemoveHandOverNote{}));
  SetupOutcome outcome{plan.tunnel, changed, arrival_.took};
  if (arrival_.up && !arrival_.verified) outcome.unverified = arrival_.failure;
  outcome.standing_by = arrival_.standing_by;
  if (arrival_.target_down) outcome.target_down = arrival_.failure;
  return outcome;
}

void Executor::report(const SetupStep& step, TimePoint begin) {
  for (const auto& message : step.done) switch (message.kind) {
      case SetupMessage::Kind::done:
        observer_.step_done(message.what, message.figure);
        break;
      case SetupMessage::Kind::timed:
        observer_.step_done(message.what, fmt::format("in {} ms", milliseconds_since(begin, host_).count()));
        break;
      case SetupMessage::Kind::warned:
        observer_.step_warned(message.what, message.figure);
        break;
    }
}

Result<> Executor::execute(const RecordSetup& step) {
  return store::add_to_record(host_, request_.paths, request_.name, {}, step.linger);
}

Result<> Executor::execute(const NoteHandOver& step) {
  return store::keep_hand_over(host_, request_.paths, request_.name, step.note);
}

Result<> Executor::execute(const RemoveHandOverNote&) {
  if (!facts_.previous.existed || request_.paths.scope == Scope::system) return {};
  return host_.remove_file(store::hand_over_file(request_.paths, request_.name));
}

Result<> Executor::execute(const ApplyPlan& step) {
  if (step.record_directories)
    HOLDFAST_CHECK(store::add_to_record(host_, request_.paths, request_.name,
                                        backends::directories_to_make(step.plan, host_), store::LingerUse::as_before));
  for (const auto& part : step.plan) observer_.detail(backends::describe(part));
  const auto edits = backends::due_edits(step.plan, host_);
  HOLDFAST_TRY(auto applied, backends::apply(step.plan, host_));
  applied_.append(std::move(applied));
  for (const auto& edit : edits)
    observer_.step_done(fmt::format("{} {}", edit.label, edit.lines ? "added to" : "removed from"), edit.file.string());
  return {};
}

Result<> Executor::execute(const StopPrevious& step) {
  ended_previous_ = true;
  HOLDFAST_CHECK(stop_installed_jobs(step.jobs, host_));
  return {};
}

Result<> Executor::execute(const AwaitQueued& step) {
  return wait_until_queued(step.job, step.previous, host_, observer_);
}

Result<> Executor::execute(const ReleasePrevious& step) {
  ended_previous_ = true;
  return release(step.plan, step.supervisor, host_);
}

Result<> Executor::execute(const TakeOver&) { return request_.take_over(); }

Result<> Executor::execute(const AwaitReread& step) {
  asked_to_reread_ = true;
  return wait_until_reread(step.job, host_, k_timeout);
}

Result<> Executor::execute(const AwaitUp& step) {
  HOLDFAST_TRY(arrival_, wait_until_up(step.job, step.previous, host_, k_timeout, observer_));
  arrival_.took = milliseconds_since(clock_, host_);
  if (arrival_.standing_by || (arrival_.up && arrival_.verified)) return {};
  const auto subject = "tunnel " + request_.name.text();
  if (arrival_.target_down && step.target_may_be_down && !step.must_be_verified) {
    observer_.step_warned("open, and waits for its target", arrival_.failure->message);
    return {};
  }
  if (!arrival_.up) {
    observer_.step_failed("verified end to end");
    if (arrival_.failure) return error_from(step.doing, subject, *arrival_.failure);
    // A setup that fails leaves no log.
    return Error{step.doing, subject, fmt::format("it was not up after {} s", k_timeout.count() / 1000),
                 facts_.previous.here ? "holdfast logs " + request_.name.text() : "run the command again with -v"};
  }
  if (!arrival_.failure)
    arrival_.failure = Diagnosis{FailureClass::unknown, "not every forward has been probed yet", ""};
  if (!step.must_be_verified) {
    observer_.step_warned("up, but not verified end to end", arrival_.failure->message);
    return {};
  }
  observer_.step_failed("verified end to end");
  auto failure = *arrival_.failure;
  failure.message = "it is up, but not verified end to end: " + failure.message;
  return error_from(step.doing, subject, failure);
}

store::LingerUse Executor::linger_use(const SetupPlan& plan) const {
  if (!is_lingering_needed(plan, request_, host_) || !backends::is_lingering(host_, host_.user()))
    return store::LingerUse::none;
  return facts_.was_lingering ? store::LingerUse::needed : store::LingerUse::turned_on;
}

Result<> Executor::commit(const SetupPlan& plan) {
  std::vector<std::string> report;
  for (const auto& old : facts_.previous.installed_jobs)
    if (old.job.runtime_dir != plan.job.job.runtime_dir)
      HOLDFAST_CHECK(clear_runtime(request_.name, old.job.runtime_dir, host_, report));
  HOLDFAST_TRY(const auto use, forget_previous_name(linger_use(plan), report));
  HOLDFAST_CHECK(store::add_to_record(host_, request_.paths, request_.name, applied_.made_directories(), use));
  HOLDFAST_TRY(const bool idle, store::claim_unused_linger(host_, request_.paths));
  if (idle)
    if (auto off = turn_linger_off(host_, report); !off) observer_.warn(off.error().line());
  for (const auto& line : report) observer_.detail(line);
  return {};
}

/// Clears what this machine kept under an earlier host name. What it did then is still ours to undo one day.
Result<store::LingerUse> Executor::forget_previous_name(store::LingerUse use, std::vector<std::string>& report) {
  const auto& previous = facts_.previous.tunnel;
  if (!previous || !is_renamed(*previous, host_) || request_.paths.scope != Scope::user) return use;
  auto there = request_.paths;
  there.state = there.state.parent_path() / store::host_directory_name((*previous)->host);
  HOLDFAST_CHECK(clear_state(request_.name, there, host_, report));
  HOLDFAST_TRY(const auto undo, store::drop_from_record(host_, there, request_.name));
  if (undo.linger_off && use == store::LingerUse::needed) use = store::LingerUse::turned_on;
  (void)host_.remove_empty_directory(there.state);
  HOLDFAST_CHECK(store::add_to_record(host_, request_.paths, request_.name, undo.directories, use));
  return use;
}

}  // namespace holdfast::tunnels
