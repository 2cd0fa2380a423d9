// Carries a setup out, and undoes it when it fails.
#pragma once

#include "backends/plan/apply.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/backend_choice.hpp"
#include "tunnels/setup/setup_facts.hpp"
#include "tunnels/setup/setup_plan.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// The result of a setup.
struct SetupOutcome {
  Tunnel tunnel;
  bool changed = true;
  std::chrono::milliseconds took{0};          ///< from the start of the job until it was up
  std::optional<Diagnosis> unverified = {};   ///< up, but not verified end to end, and why
  bool standing_by = false;                   ///< host = any: another host has the port
  std::optional<Diagnosis> target_down = {};  ///< open, and a target that may be down is
};

/// The one place of setup that changes the host. After a failed call undo() restores everything; nothing else may be
/// called then.
class Executor {
 public:
  /// All of them outlive it.
  Executor(const SetupRequest& request, const SetupFacts& facts, os::Host& host, Observer& observer);

  /// Carries steps out, in order, until one fails or the observer cancels.
  [[nodiscard]] Result<> run(const std::vector<SetupStep>& steps);
  /// prove_best(), its changes to be undone with the rest.
  [[nodiscard]] Result<backends::AssessedBackend> prove(std::vector<backends::AssessedBackend> candidates,
                                                        const backends::Job& job, std::vector<PassedOver>& passed_over);
  /// Executes the plan's steps, and records the changes that `remove` must undo later.
  [[nodiscard]] Result<SetupOutcome> run(const SetupPlan& plan);

  /// Undoes every executed step. `plan`: the argument of run(), or nullptr before run(). Returns `error`.
  [[nodiscard]] Error undo(Error error, const SetupPlan* plan);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  [[nodiscard]] Result<> execute(const RecordSetup& step);
  [[nodiscard]] Result<> execute(const NoteHandOver& step);
  [[nodiscard]] Result<> execute(const RemoveHandOverNote& step);
  [[nodiscard]] Result<> execute(const ApplyPlan& step);
  [[nodiscard]] Result<> execute(const StopPrevious& step);
  [[nodiscard]] Result<> execute(const AwaitQueued& step);
  [[nodiscard]] Result<> execute(const ReleasePrevious& step);
  [[nodiscard]] Result<> execute(const TakeOver& step);
  [[nodiscard]] Result<> execute(const AwaitReread& step);
  [[nodiscard]] Result<> execute(const AwaitUp& step);
  void report(const SetupStep& step, TimePoint begin);

  [[nodiscard]] Result<> record_proof(const backends::Backend& backend, const backends::Job& job);

  [[nodiscard]] Result<> commit(const SetupPlan& plan);
  [[nodiscard]] store::LingerUse linger_use(const SetupPlan& plan) const;
  [[nodiscard]] Result<store::LingerUse> forget_previous_name(store::LingerUse use, std::vector<std::string>& report);

  void unwind(std::vector<std::string>& leftovers);
  void end_new_job(const SetupPlan& plan, std::vector<std::string>& leftovers);
  void restore_previous(const SetupPlan* plan, std::vector<std::string>& leftovers);
  [[nodiscard]] Result<> restart_previous();
  [[nodiscard]] Result<> restore_hand_over_note();

  const SetupRequest& request_;
  const SetupFacts& facts_;
  os::Host& host_;
  Observer& observer_;
  backends::Applied applied_;
  bool ended_previous_ = false;  ///< from here on the new supervisor may run
  bool asked_to_reread_ = false;
  TimePoint clock_;
  Arrival arrival_ = {};
};

}  // namespace holdfast::tunnels
