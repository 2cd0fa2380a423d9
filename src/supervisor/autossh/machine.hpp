// The life of one tunnel whose ssh is restarted by autossh, as a pure state machine: events in, actions out. It decides
// what is told, and when autossh has to be started, ended, or made to take another ssh; when a lost ssh is started
// again is autossh's own affair.
//
//   idle ─ start ─► between ─ autossh started an ssh ─► starting ─ control socket ─► verifying ─ probe answered ─► up
//                   ▲  │  ▲                                │                             │                         │
//       retry timer │  │  └────── ssh ended, autossh goes on ─────────────────────────────────────────────────────┘
//                   │  ▼ autossh ended
//                  resting
//
// `ending`: autossh was told to end, for a stop or for a changed tunnel file. `stopped` is final.
#pragma once

#include "supervisor/machine/machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::supervisor::autossh {

// --- events, besides those that both machines know: Started, ChildFailedToStart (autossh's), ControlReady,
// ChildExited (autossh's), ProbeAnswered, TimerFired, NetworkGained, Woke, Nudged, Reloaded, StopAsked

struct SshStarted {};
struct SshEnded {
  std::optional<Diagnosis> why;  ///< what it said; nothing when it said nothing
  ssh::ProcessEnd end = {};      ///< as autossh tells it
};
struct Sleeping {  ///< autossh, until it starts ssh again
  Milliseconds wait{0};
};

using Event = std::variant<Started, ChildFailedToStart, SshStarted, Sleeping, ControlReady, SshEnded, ChildExited,
                           ProbeAnswered, TimerFired, NetworkGained, Woke, ProbeRequested, Reloaded, StopAsked>;

// --- actions, besides StartChild and EndChild (autossh), Probe, SetTimer, CancelTimer, Quit

/// SIGUSR1 to autossh: it ends its ssh and starts another; asleep, it starts one now.
struct RestartSsh {
  bool by_force = false;  ///< ssh itself is killed: autossh waits for one that does not end, for ever
};

using Action = std::variant<StartChild, EndChild, RestartSsh, Probe, SetTimer, CancelTimer, Quit>;
using Actions = std::vector<Action>;

enum class Phase { idle, resting, between, starting, verifying, up, ending, stopped };

class Machine {
 public:
  /// Of `rules` standby and previously_held do not count: they are of forwards that we ask for ourselves.
  explicit Machine(Rules rules);

  /// `chance` in [0, 1) is used where a wait is jittered.
  [[nodiscard]] Actions on(const Event& event, TimePoint now, double chance);

  [[nodiscard]] const View& view() const noexcept { return view_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  void set_rules(Rules rules) { rules_ = std::move(rules); }  ///< with the StartChild that follows a Reloaded

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
  void handle(const NetworkGained&) { look_now(); }
  void handle(const Woke&) { look_now(); }
  void handle(const ProbeRequested&);
  void handle(const Reloaded&);
  void handle(const StopAsked&);

  void start_autossh();
  void end_autossh();
  void rest();
  void begin_probe();
  void become_up(const ProbeAnswered& answer);
  void target_is_down(const ProbeAnswered& answer);
  void never_heard();
  void give_up(Diagnosis why);
  void end_run();
  void look_now();
  void start_early(Urgency urgency);
  void stop();

  void show(store::TunnelState state, std::string reason);
  void show_failure(const Diagnosis& why);
  void set(Timer timer, Milliseconds wait) { actions_.emplace_back(SetTimer{timer, wait}); }
  void cancel_all();
  void remember(Diagnosis why);
  [[nodiscard]] bool has_ssh() const noexcept;

  Rules rules_;
  Phase phase_ = Phase::idle;
  View view_;
  Backoff backoff_;  ///< of autossh's own starts

  // of the event under way
  TimePoint now_;
  double chance_ = 0;
  Actions actions_;

  RequestId last_request_ = 0;
  RequestId awaited_ = 0;  ///< 0: no answer is waited for
  int silences_ = 0;       ///< probes in a row without an answer
  bool was_up_ = false;    ///< this run of ssh, or the last one
  bool counted_ = true;    ///< it is among the reconnects already
  bool sleeping_ = false;
  bool stopping_ = false;
  bool reloading_ = false;
  std::optional<Diagnosis> cause_;  ///< why there is no ssh, or is to be none
  TimePoint up_since_;
};

[[nodiscard]] std::string_view to_text(Phase phase) noexcept;

}  // namespace holdfast::supervisor::autossh
