// Undoing a setup that failed or was cancelled.
#include "backends/host/logind.hpp"
#include "backends/host/stop_mark.hpp"
#include "store/installation_record.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/setup/executor.hpp"

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::milliseconds k_timeout{30000};
constexpr std::chrono::milliseconds k_restart_timeout{10000};

template <class Done>
void add_error(std::vector<std::string>& leftovers, const Done& done) {
  if (!done) leftovers.push_back(done.error().line());
}

}  // namespace

Error Executor::undo(Error error, const SetupPlan* plan) {
  std::vector<std::string> leftovers;
  const auto& previous = facts_.previous;
  if (plan != nullptr) end_new_job(*plan, leftovers);
  unwind(leftovers);
  if (previous.here) {
    restore_previous(plan, leftovers);
  } else {
    std::vector<fs::path> directories;
    if (plan != nullptr) directories.push_back(plan->job.job.runtime_dir);
    std::vector<std::string> report;
    add_error(leftovers, forget_tunnel(request_.name, directories, request_.paths, host_, true, report));
  }
  if (leftovers.empty())
    observer_.note(!previous.here     ? "undone: nothing was changed"
                   : previous.running ? "undone: the previous tunnel runs again"
                                      : "undone: the previous tunnel is as it was");
  for (const auto& line : leftovers) observer_.warn("it could not be undone: " + line);
  return error;
}

/// Linger that this setup turned on stays on if another tunnel needs it by now.
void Executor::unwind(std::vector<std::string>& leftovers) {
  const bool turned_on = !facts_.was_lingering && backends::is_lingering(host_, host_.user());
  for (auto& line : applied_.unwind(host_)) leftovers.push_back(std::move(line));
  if (request_.paths.scope == Scope::system || !turned_on) return;
  const auto record = store::InstallationRecord::load(host_, request_.paths);
  if (!record || !record->is_linger_needed_beside(request_.name.text())) return;
  add_error(leftovers, backends::apply(backends::linger_on(host_.user(), host_), host_));
  add_error(leftovers, store::add_to_record(host_, request_.paths, request_.name, {}, store::LingerUse::turned_on));
}

void Executor::end_new_job(const SetupPlan& plan, std::vector<std::string>& leftovers) {
  const bool beside = plan.kind == SetupPlan::Kind::hand_over;
  if (ended_previous_) {
    add_error(leftovers, stop_installed_jobs({plan.job}, host_));
    // stop_installed_jobs() left a stop mark. The previous backend must not see it.
    if (beside) add_error(leftovers, host_.remove_file(backends::stop_mark_file(request_.name, request_.paths)));
    return;
  }
  if (!beside) return;
  // The new supervisor waits, or never started. End only its process: the runtime files and ssh belong to the previous
  // one.
  if (const auto release = release_plan(plan.job, host_)) add_error(leftovers, backends::apply(*release, host_));
}

void Executor::restore_previous(const SetupPlan* plan, std::vector<std::string>& leftovers) {
  const auto& previous = facts_.previous;
  if (plan != nullptr && !previous.lives_in(plan->job.job.runtime_dir)) {
    std::vector<std::string> report;
    add_error(leftovers, clear_runtime(request_.name, plan->job.job.runtime_dir, host_, report));
  }
  add_error(leftovers, restart_previous());
  add_error(leftovers, restore_hand_over_note());
  // The file is as it was, and the supervisor must know. The forwards that it had before were never closed.
  if (plan != nullptr && asked_to_reread_) (void)wait_until_reread(plan->job, host_, k_timeout);
}

/// Waits until it is up, or some seconds.
Result<> Executor::restart_previous() {
  const auto& previous = facts_.previous;
  if (!ended_previous_ || !previous.running || !previous.tunnel || previous.installed_jobs.empty()) return {};
  const auto& installed_job = previous.installed_jobs.front();
  HOLDFAST_TRY(const auto plan, installed_job.backend->start(installed_job.job, host_));
  HOLDFAST_CHECK(backends::apply(plan, host_));
  // The setup is cancelled already, and must not cancel this too.
  (void)wait_until_up(installed_job, {}, host_, k_restart_timeout, Observer());
  return {};
}

/// A move that was cut short before is noted until a setup succeeds.
Result<> Executor::restore_hand_over_note() {
  const auto& before = facts_.previous.half_moved;
  if (!before || request_.paths.scope == Scope::system) return execute(RemoveHandOverNote{});
  return store::keep_hand_over(host_, request_.paths, request_.name, *before);
}

}  // namespace holdfast::tunnels
