// The environment of a machine in a test: a child that runs or not, timers, a pending request. It executes each action
// and checks the machine's invariants.
#pragma once

#include "supervisor/machine/machine.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::supervisor {

/// Rules whose messages need no tunnel.
[[nodiscard]] Rules plain_rules(std::size_t forwards = 1, std::size_t bastions = 1);

class World {
 public:
  explicit World(Rules rules);

  /// Gives the event to the machine at `now`, executes its actions, and checks the invariants.
  const Actions& give(const Event& event, double chance = 0.5);
  void pass(Milliseconds span) { now += span; }

  /// Passes time up to the timer, which must be set, and fires it.
  const Actions& fire(Timer timer, double chance = 0.5);

  [[nodiscard]] bool is_set(Timer timer) const { return due[static_cast<std::size_t>(timer)].has_value(); }
  [[nodiscard]] Milliseconds wait_of(Timer timer) const;
  /// The connections opened to that bastion within the last 30 s, if a firewall is known to limit them.
  [[nodiscard]] std::size_t limited_connections(std::size_t to);

  // Short forms of frequent events. An answer is to the pending request.
  const Actions& log_in() { return give(ControlReady{}); }
  const Actions& grant() { return give(ForwardAnswered{request, ForwardAnswered::Kind::granted}); }
  const Actions& refuse() { return give(ForwardAnswered{request, ForwardAnswered::Kind::refused}); }
  const Actions& answer_port_holder(PortHolderAnswered::Kind kind, bool responds = false) {
    return give(PortHolderAnswered{.request = request, .kind = kind, .why = {}, .responds = responds});
  }
  const Actions& answer_failback_probe(std::optional<Diagnosis> why) {
    return give(FailbackProbeAnswered{failback_probe.value_or(0), std::move(why)});
  }
  const Actions& answer_knock(bool session_gone) { return give(KnockAnswered{session_gone}); }
  const Actions& answer_takeover(bool freed) { return give(TakeoverAnswered{.request = request, .freed = freed}); }
  const Actions& confirm_closed() { return give(ForwardsClosed{request}); }
  const Actions& answer_probe(ProbeAnswered::Kind kind);
  const Actions& answer_probe_silently(const ConnectionStatus& connection) {
    ProbeAnswered silent;
    silent.request = request;
    silent.connection = connection;
    return give(silent);
  }
  const Actions& answer_probe_without_route() { return answer_probe_silently({.route = os::RouteStatus::none}); }
  /// One target is down; those of the other probed forwards answer.
  const Actions& answer_probe_partly(std::size_t down);
  const Actions& child_dies(std::optional<Diagnosis> why = {}) { return give(ChildExited{std::move(why)}); }
  void bring_up();  ///< From the start of an attempt to `up`.

  Machine machine;
  TimePoint now{std::chrono::hours(1)};
  double rtt_ms = 1.0;    ///< Of each answered probe.
  std::string violation;  ///< The first broken invariant; empty: none.
  std::array<std::array<std::size_t, std::variant_size_v<Event>>, 9> given{};  ///< Events, by phase and kind.

  // the child
  bool child = false;
  bool end_requested = false;
  bool quit = false;
  bool may_leave = false;  ///< The requested stop leaves a logged-in ssh running.
  std::size_t bastion = 0;
  std::vector<TimePoint> starts;
  std::vector<std::size_t> attempted_bastions;  ///< Of `starts`.
  std::optional<std::size_t> failback_probe;    ///< The bastion being probed.

  // the pending request; 0: none
  RequestId request = 0;
  enum class Pending { none, forward, holder, probe, closing, takeover } pending = Pending::none;
  std::size_t probed = 0;      ///< Forwards of the last probe.
  bool probed_target = false;  ///< By the last FindPortHolder.

  std::array<std::optional<TimePoint>, k_timers> due;
  bool path_watched = false;
  WatchPath path;  ///< The last one.

  // the tunnel
  std::size_t forwards;
  std::size_t bastions;
  std::vector<bool> open;  ///< By forward, over the present connection.

 private:
  /// A bastion whose firewall limits new connections: none before `quiet_until`, and few after it.
  struct Limited {
    TimePoint quiet_until;
    std::optional<TimePoint> next_probe;  ///< Of the watch.
    std::deque<TimePoint> connections;
  };

  // What the world knows of an event before the machine does.
  template <class Other>
  void note(const Other& event) {
    if constexpr (requires { event.request; }) end_request(event.request);
  }
  void note(const ChildExited&) { end_child(); }
  void note(const ChildFailedToStart&) {
    if (machine.phase() == Phase::starting || machine.phase() == Phase::ending) end_child();
  }
  void note(const Adopted& event);
  void note(const FailbackProbeAnswered& event);
  void note(const StopRequested& event) { may_leave = event.leave_child; }
  void note(const Reloaded& event);
  void note(const ForwardsChanged& event) { change_ = event; }
  void note(const ForwardAnswered& event);
  void note(const PathBlocked& event);

  void execute(const StartChild& action);
  void execute(const EndChild& action);
  void execute(const OpenForward& action);
  void execute(const FindPortHolder& action);
  void execute(const Knock& action);
  void execute(const TakeOver& action);
  void execute(const ChangeForwards& action);
  void execute(const Probe& action);
  void execute(const SetTimer& action);
  void execute(const CancelTimer& action);
  void execute(const WatchPath& action);
  void execute(const NoteLimit&) {}  // check_limit_note() comes before every other action
  void execute(const NoteCrowd& action);
  void execute(const StartFailbackProbe& action);
  void execute(const EndFailbackProbe& action);
  void execute(const Quit& action);

  void check(bool holds, const char* invariant);
  void check_limit_note(const NoteLimit& action, const Event& event);
  void check_spread(const Event& event, Phase before);
  void check_crowd_note(const Event& event, Phase before);
  void check_takeover(const Event& event);
  void check_silence(const Event& event, Phase before);
  void check_standby(const Event& event, bool stood_by);
  void check_timer(const SetTimer& action);
  void check_state();
  void check_phase();

  void begin_request(RequestId id, Pending kind);
  void end_request(RequestId id);
  void end_child();
  void limit(std::size_t at, TimePoint quiet_until);
  void run_watches();
  void connect(std::size_t to, TimePoint when);
  [[nodiscard]] bool is_standing_by() const;
  [[nodiscard]] Milliseconds spread_period() const;
  [[nodiscard]] bool may_be_watched(std::size_t at) const;

  Actions last_;
  std::chrono::seconds probe_interval_;
  bool may_stand_by_;
  bool may_take_over_;
  std::vector<bool> previously_held_;            ///< By bastion: by an earlier run, or by this one.
  std::vector<std::optional<Limited>> limited_;  ///< By bastion.
  std::function<RetrySpread(std::size_t)> spread_;
  Milliseconds first_spread_;
  std::vector<std::optional<TimePoint>> crowds_;  ///< By bastion: when each is forgotten.
  std::vector<bool> refused_;                     ///< By bastion: it refused a login, and none worked since.
  std::optional<ForwardsChanged> change_;         ///< Not applied yet.
  std::size_t requested_forward_ = 0;
  TimePoint requested_at_;              ///< The last OpenForward.
  std::optional<TimePoint> took_over_;  ///< The last TakeOver.
  bool conflict_ended_since_takeover_ = false;
  std::size_t attempts_in_a_moment_ = 0;  ///< Since the last event that allows more.
  bool timer_was_due_ = false;            ///< The present TimerFired is one of `due`.
};

/// True when `actions` contain one of that kind.
template <class Kind>
[[nodiscard]] bool has(const Actions& actions) {
  for (const Action& action : actions)
    if (std::holds_alternative<Kind>(action)) return true;
  return false;
}

}  // namespace holdfast::supervisor
