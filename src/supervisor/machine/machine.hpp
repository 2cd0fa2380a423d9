// The life of one tunnel as a pure state machine: events in, actions out. It does no I/O and reads no clock, so tests
// run a year of outages in milliseconds and check its rules on streams of random events.
//
//   idle ─ start ─► starting ─ control socket ─► opening ─ all granted ─► verifying ─ probe answered ─► up
//                     │  ▲                          │ ▲                      │                           │
//        ssh exits,   │  │ retry timer,     refused │ │ granted              │ two silences, ssh exits   │
//        60 s passed  │  │ path restored            ▼ │                      │                           │
//                     ▼  │                       port_busy                   │                           │
//                   waiting ◄─────────────────── ending ◄────────────────────┴───────────────────────────┘
//
// starting   ssh runs, but is not logged in: its control socket does not exist yet.
// opening    The forwards are requested, one after the other.
// port_busy  The bastion's port of at least one forward is taken, most likely by this tunnel's stale session. The
//            other forwards are open and probed. The machine keeps the connection, requests the forward again, and
//            knocks to free the port. With host = any another host may hold the port: the machine then stands by. It
//            requests the forward less often and does not knock.
// ending     ssh was told to terminate.
// stopped    The final phase.
//
// With several bastions each one has a backoff of its own. An attempt goes to the first bastion that is due; when it
// fails, the next one is tried at once. While a fallback carries the tunnel, the machine probes the better bastions
// with a second login that requests the ports and releases them. When that succeeds, the tunnel fails back
// (machine_failback.cpp).
#pragma once

#include "supervisor/machine/actions.hpp"
#include "supervisor/machine/connection_limit.hpp"
#include "supervisor/machine/crowd.hpp"
#include "supervisor/machine/probe_policy.hpp"
#include "supervisor/machine/view.hpp"

#include <string_view>

namespace holdfast::supervisor {

enum class Phase { idle, waiting, starting, opening, port_busy, verifying, up, ending, stopped };

[[nodiscard]] std::string_view to_text(Phase phase) noexcept;

class Machine {
 public:
  explicit Machine(Rules rules);

  /// `chance` in [0, 1) is used for jitter.
  [[nodiscard]] Actions on(const Event& event, TimePoint now, double chance);

  [[nodiscard]] const View& view() const noexcept { return view_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// Call it while executing ChangeForwards, or the StartChild that follows Reloaded.
  void set_rules(Rules rules);

 private:
  void handle(const Started&);
  void handle(const Adopted&);
  void handle(const ChildFailedToStart&);
  void handle(const LoginBlocked&);
  void handle(const ControlReady&);
  void handle(const ChildExited&);
  void handle(const ForwardAnswered&);
  void handle(const PortHolderAnswered&);
  void handle(const KnockAnswered&);
  void handle(const TakeoverAnswered&);
  void handle(const ForwardsChanged&);
  void handle(const ForwardsClosed&);
  void handle(const ProbeAnswered&);
  void handle(const TimerFired&);
  void handle(const NetworkChanged&);
  void handle(const Resumed&);
  void handle(const PathRestored&);
  void handle(const PathRefused&);
  void handle(const PathBlocked&);
  void handle(const FlowChanged&);
  void handle(const FlowDead&);
  void handle(const FailbackProbeAnswered&);
  void handle(const ProbeRequested&);
  void handle(const Reloaded&);
  void handle(const StopRequested&);

  // machine.cpp: an attempt from ssh's start to its exit
  void begin_attempt(std::size_t bastion);
  void request_forward(std::size_t forward);
  void request_next_forward();
  void begin_probe();
  void become_up(const ProbeAnswered& answer);
  void on_silent_probe(const ConnectionStatus& connection);
  void on_target_down(const ProbeAnswered& answer);
  void give_up(Diagnosis why);
  void hint_at_lost_packets(Diagnosis& why);
  void end_child();
  void conclude_attempt(DropScope drop_scope);

  // machine_external_events.cpp
  void on_path_change();
  void probe_after_change();
  void await_network();
  void await_path(Milliseconds recheck);
  void show_interruption(FailureClass why, Milliseconds recheck);
  void note_silent_flow();
  void restart_stuck_attempt(EarlyReason reason);
  void stop();
  void leave();

  // machine_forwards.cpp
  void apply_change();

  // machine_port_conflict.cpp
  void on_refusal();
  void find_port_holder(bool await_target);
  void skip_forward(store::ForwardState state);
  void mark_forward_denied();
  void begin_port_conflict();
  void show_port_conflict(std::string reason);
  void continue_port_conflict();
  void stand_by();
  void knock();
  void resolve_port_conflict(const PortHolderAnswered& answer);
  void report_port_holder(const PortHolderAnswered& answer);
  void select_next_refused();
  void request_forward_again();
  void request_or_log_in_anew();
  [[nodiscard]] bool is_prohibition_unclear() const;
  [[nodiscard]] Milliseconds forward_retry_wait() const;
  [[nodiscard]] Milliseconds standby_wait() const;
  [[nodiscard]] bool is_own_stale() const;
  [[nodiscard]] bool is_takeover_due() const;
  [[nodiscard]] bool may_request_early() const;
  [[nodiscard]] bool is_any_open() const;
  [[nodiscard]] bool is_all_denied() const;
  [[nodiscard]] bool previously_held() const;
  void set_port_held(bool held);

  // machine_failback.cpp: which bastion, and when
  void wait_for_retry(DropScope drop_scope);
  void retry_early();
  void record_failure(std::size_t bastion, FailureClass failure, DropScope drop_scope, Milliseconds shortest_wait);
  void plan_failback_probe();
  void show_refused();
  void begin_failback_probe();
  void end_failback_probe();
  void watch_path(WatchPath watch) { actions_.emplace_back(watch); }
  void unwatch_paths(std::size_t from);
  [[nodiscard]] std::size_t first_due() const;
  [[nodiscard]] TimePoint carried_since() const;
  [[nodiscard]] Backoff& backoff() { return bastions_[view_.bastion].backoff; }

  // machine_limit.cpp
  void note_login(std::size_t bastion);
  void note_limit(std::size_t bastion);
  void lift_limit(std::size_t bastion);
  void wait_for_limit(std::string_view reason);
  [[nodiscard]] bool waits_for_other_logins(std::size_t bastion);
  [[nodiscard]] bool may_be_watched(std::size_t bastion) const;

  // machine_crowd.cpp
  void restore_crowds();
  void look_for_crowd(std::size_t bastion, FailureClass failure, DropScope drop_scope);
  void note_crowd(std::size_t bastion) { actions_.emplace_back(NoteCrowd{bastion}); }
  [[nodiscard]] Milliseconds spread_period() const;
  [[nodiscard]] RetrySpread spread(std::size_t bastion) const;

  void set(Timer timer, Milliseconds wait) { actions_.emplace_back(SetTimer{timer, wait}); }
  void cancel(Timer timer) { actions_.emplace_back(CancelTimer{timer}); }
  void cancel_all();
  void forget_request() { pending_request_ = 0; }
  [[nodiscard]] bool is_pending(RequestId request) const noexcept {
    return request != 0 && request == pending_request_;
  }
  [[nodiscard]] RequestId new_request() { return pending_request_ = ++last_request_; }
  [[nodiscard]] bool has_child() const noexcept;
  [[nodiscard]] bool is_logged_in() const noexcept;
  [[nodiscard]] bool was_healthy() const;

  /// The state of one run of ssh.
  struct Attempt {
    TimePoint began = {};
    TimePoint up_since = {};
    bool was_up = false;
    std::optional<Diagnosis> cause = {};            ///< Why the machine ended ssh, or why ssh exited.
    std::optional<std::size_t> next_bastion = {};   ///< Where the next attempt begins as soon as ssh has exited.
    std::vector<bool> open = {};                    ///< By forward: granted.
    std::vector<bool> refused = {};                 ///< By forward: refused, and not granted since.
    std::size_t next_forward = 0;                   ///< The one being requested.
    TimePoint requested_at = {};                    ///< The last request for a forward.
    int refusals_of_free_port = 0;                  ///< In a row.
    std::vector<std::size_t> probed_forwards = {};  ///< By the last probe.
    int refusals = 0;                               ///< Of requests for forwards.
    int prohibitions = 0;                           ///< Of the connection that would show who holds a refused port.
    ProbePolicy probes = {};
    std::optional<double> rtt_ms = {};           ///< The last measured round trip.
    std::optional<TimePoint> silent_since = {};  ///< The begin of the present outage.
    TimePoint peer_due = {};                     ///< Until then the peer may wait for its own retransmission.
  };
  /// The state of one port conflict, from entering Phase::port_busy to leaving it.
  struct PortConflict {
    TimePoint since = {};
    bool knocked = false;
    bool session_gone = false;                    ///< This tunnel's stale session does not hold the port.
    std::optional<Diagnosis> knock_failure = {};  ///< Why a knock cannot free the port.
    bool probed_target = false;                   ///< A FindPortHolder waited for the target.
    TimePoint holder_probed_at = {};              ///< By a standby.
    int holder_silences = 0;                      ///< In a row, of the host that a standby waits for.
    std::optional<TimePoint> takeover_considered_at = {};
  };
  struct BastionState {
    Backoff backoff = {};
    TimePoint due = {};                 ///< No attempt before.
    Urgency urgency = Urgency::steady;  ///< Of its last failure.
    Milliseconds between_failback_probes{0};
    ConnectionLimit limit = {};
    Crowd crowd = {};
    int silent_logins = 0;  ///< In a row: ssh logged in, and then nothing answered.
  };
  void set_forward_count(std::size_t count);

  Rules rules_;
  Phase phase_ = Phase::idle;
  ViewState view_;
  Attempt attempt_;
  PortConflict conflict_;
  std::vector<BastionState> bastions_;
  std::size_t retry_bastion_ = 0;              ///< The one that Timer::retry is set for.
  std::optional<std::size_t> failback_probe_;  ///< The bastion being probed.
  Milliseconds failback_delay_ = k_shortest_failback_delay;
  RequestId last_request_ = 0;
  RequestId pending_request_ = 0;          ///< 0: none.
  std::optional<ForwardsChanged> change_;  ///< Deferred until the pending request is answered.
  bool stopping_ = false;
  int stuck_attempts_ = 0;           ///< Restarted in a row.
  bool is_probe_forbidden_ = false;  ///< The last probe of an open forward was.

  // of the event being handled
  TimePoint now_;
  double chance_ = 0;
  Actions actions_;
};

}  // namespace holdfast::supervisor
