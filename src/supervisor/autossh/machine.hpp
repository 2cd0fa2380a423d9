// The life of one tunnel whose ssh is restarted by autossh, as a pure state machine: events in, actions out. autossh
// decides when a lost ssh is started again. This machine publishes the state and decides when autossh itself must be
// started or ended, or must replace its ssh.
//
//   idle ─ start ─► between ─ autossh started an ssh ─► starting ─ control socket ─► verifying ─ probe answered ─► up
//                   ▲  │  ▲                                │                             │                         │
//       retry timer │  │  └────── ssh exited, autossh runs ─────────────────────────────────────────────────────┘
//                   │  ▼ autossh exited
//                  resting
//
// ending   autossh was told to terminate, for a stop or for a changed tunnel file.
// stopped  The final phase.
#pragma once

#include "supervisor/machine/actions.hpp"
#include "supervisor/machine/probe_policy.hpp"
#include "supervisor/machine/view.hpp"

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::supervisor::autossh {

// --- events of this engine only; in the shared ones "child" is autossh

struct SshStarted {};
struct SshEnded {
  std::optional<Diagnosis> why;  ///< From ssh's messages; empty when they explain nothing.
  ssh::ProcessEnd end = {};      ///< As autossh logged it.
};
struct Sleeping {  ///< autossh waits before it starts ssh again.
  Milliseconds wait{0};
};

using Event = std::variant<Started, ChildFailedToStart, SshStarted, Sleeping, ControlReady, SshEnded, ChildExited,
                           ProbeAnswered, TimerFired, NetworkChanged, Resumed, ProbeRequested, Reloaded, StopRequested>;

// --- actions of this engine only

/// SIGUSR1 to autossh: it ends its ssh and starts another. When it sleeps it starts ssh now.
struct RestartSsh {
  bool by_force = false;  ///< Kill ssh itself: autossh waits without limit for an ssh that does not end.
};

using Action = std::variant<StartChild, EndChild, RestartSsh, Probe, SetTimer, CancelTimer, Quit>;
using Actions = std::vector<Action>;

enum class Phase { idle, resting, between, starting, verifying, up, ending, stopped };

[[nodiscard]] std::string_view to_text(Phase phase) noexcept;

class Machine {
 public:
  /// Ignores `standby` and `previously_held`: autossh requests the forwards itself.
  explicit Machine(Rules rules);

  /// `chance` in [0, 1) is used for jitter.
  [[nodiscard]] Actions on(const Event& event, TimePoint now, double chance);

  [[nodiscard]] const View& view() const noexcept { return view_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// Call it while executing the StartChild that follows Reloaded.
  void set_rules(Rules rules) { rules_ = std::move(rules); }

 private:
  void handle(const Started&);
  void handle(const ChildFailedToStart&);
  void handle(const SshStarted&);
  void handle(const Sleeping&);
  void handle(const ControlReady&);
  void handle(const SshEnded&);
  void handle(const ChildExited&);
  void handle(const ProbeAnswered&);
  void handle(const TimerFired&);
  void handle(const NetworkChanged&) { on_path_change(); }
  void handle(const Resumed&) { on_path_change(); }
  void handle(const ProbeRequested&);
  void handle(const Reloaded&);
  void handle(const StopRequested&);

  void start_autossh();
  void end_autossh();
  void rest();
  void begin_probe();
  void give_up(Diagnosis why);
  void end_run();
  void on_missing_log();
  void on_path_change();
  void start_early(Urgency urgency);
  void stop();

  void show_failure(const Diagnosis& why);
  void set(Timer timer, Milliseconds wait) { actions_.emplace_back(SetTimer{timer, wait}); }
  void cancel(Timer timer) { actions_.emplace_back(CancelTimer{timer}); }
  void cancel_all();
  [[nodiscard]] bool has_ssh() const noexcept;
  [[nodiscard]] Milliseconds until_login() const;

  /// The state of one run of ssh.
  struct Run {
    bool was_up = false;
    bool counted = false;  ///< As a reconnect.
    TimePoint up_since = {};
    ProbePolicy probes = {};
  };

  Rules rules_;
  Phase phase_ = Phase::idle;
  ViewState view_;
  Run run_;                         ///< The present one, or the last.
  Backoff backoff_;                 ///< Of autossh's own starts.
  std::optional<Diagnosis> cause_;  ///< Why there is no ssh.
  RequestId last_request_ = 0;
  RequestId pending_request_ = 0;  ///< 0: none.
  bool sleeping_ = false;
  bool reloading_ = false;
  bool stopping_ = false;

  // of the event being handled
  TimePoint now_;
  double chance_ = 0;
  Actions actions_;
};

}  // namespace holdfast::supervisor::autossh
