// What surrounds a machine in a test: a child that runs or not, timers, requests under way. It checks at each action
// and after each event that the machine keeps its promises.
#pragma once

#include "supervisor/machine/machine.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::supervisor {

/// Words that need no tunnel.
[[nodiscard]] Rules plain_rules(std::size_t forwards = 1, std::size_t bastions = 1);

class World {
 public:
  explicit World(Rules rules);

  /// Gives the event to the machine at the world's time, carries its actions out, and checks what must hold.
  const Actions& give(const Event& event, double chance = 0.5);
  void pass(Milliseconds span) { now += span; }

  /// How many connections were opened to that bastion within the last 30 s, where it is known to limit them.
  [[nodiscard]] std::size_t limited_connections(std::size_t to);

  /// Passes time up to the timer and fires it. It must be set.
  const Actions& fire(Timer timer, double chance = 0.5);

  [[nodiscard]] bool is_set(Timer timer) const { return due[static_cast<std::size_t>(timer)].has_value(); }
  [[nodiscard]] Milliseconds wait_of(Timer timer) const;

  // Short forms of what usually follows.
  const Actions& log_in() { return give(ControlReady{}); }
  const Actions& grant() { return give(ForwardAnswered{request, ForwardAnswered::Kind::granted}); }
  const Actions& refuse() { return give(ForwardAnswered{request, ForwardAnswered::Kind::refused}); }
  const Actions& held_by(PortHolderAnswered::Kind kind, bool lives = false) {
    return give(PortHolderAnswered{.request = request, .kind = kind, .why = {}, .lives = lives});
  }
  const Actions& failback_probe_says(std::optional<Diagnosis> why) {
    return give(FailbackProbeAnswered{failback_probe.value_or(0), std::move(why)});
  }
  const Actions& knock_says(bool gone) { return give(KnockAnswered{gone}); }
  const Actions& taken_over(bool freed) { return give(TakeoverAnswered{.request = request, .freed = freed}); }
  const Actions& closed() { return give(ForwardsClosed{request}); }
  const Actions& probe_says(ProbeAnswered::Kind kind);
  const Actions& child_dies(std::optional<Diagnosis> why = {}) { return give(ChildExited{std::move(why)}); }
  void bring_up();  ///< from the start of an attempt to `up`

  Machine machine;
  TimePoint now{std::chrono::hours(1)};
  double rtt_ms = 1.0;  ///< of each probe that comes back
  bool child = false;
  bool end_asked = false;
  bool quit = false;
  bool may_leave = false;  ///< the stop that was asked for leaves an ssh that is logged in
  bool path_watched = false;
  WatchPath path;         ///< as it was last asked for
  RequestId request = 0;  ///< the one under way, 0 when none is
  enum class Asked { none, forward, holder, probe, closing, takeover } asked = Asked::none;
  std::array<std::optional<TimePoint>, k_timers> due;
  std::vector<TimePoint> starts;
  std::vector<std::size_t> gone_to;           ///< the bastion of each of them
  std::size_t bastion = 0;                    ///< that ssh goes to
  std::optional<std::size_t> failback_probe;  ///< under way
  std::size_t forwards;
  std::size_t bastions;
  std::optional<std::size_t> coming;  ///< how many there will be after a change that waits
  std::size_t probed = 0;             ///< forwards of the probe under way
  std::vector<bool> open;             ///< over this connection, by number
  std::chrono::seconds probe_interval;
  bool may_stand_by;
  bool takeover;
  bool looked_closely = false;         ///< by the look under way, or the last
  std::optional<TimePoint> took_over;  ///< last
  bool port_conflicts_since_takeover = false;
  std::vector<bool> previously_held;  ///< by bastion: by a former run, or by this one since
  TimePoint asked_at;                 ///< for a forward, last
  std::string broken;                 ///< the first promise that was not kept; empty when all were

 private:
  void check(bool holds, const char* promise);
  [[nodiscard]] bool is_standing_by() const;
  [[nodiscard]] bool may_be_watched(std::size_t at) const;
  void execute(const Action& action);
  void check_takeover(const Event& event);
  void change_forwards(const ChangeForwards& change);
  void start(const StartChild& action);
  void try_out(const StartFailbackProbe& action);
  void check_timer(const SetTimer& action);
  void limit(std::size_t at, TimePoint quiet_until);
  void watch(const WatchPath& action);
  void note_limit(const NoteLimit& action, const Event& event);
  void look_until_now();
  void connect(std::size_t to, TimePoint when);
  void check_standby(const Event& event, bool stood_by);
  void check_state();

  /// A bastion whose firewall limits new connections: from then on nothing until `quiet_until`, and then few.
  struct Limited {
    TimePoint quiet_until;
    std::optional<TimePoint> next_look;  ///< of the watch
    std::deque<TimePoint> connections;
  };
  std::vector<std::optional<Limited>> limited_;  ///< by bastion

  Actions last_;
  std::vector<std::optional<std::size_t>> from;  ///< of the change that waits
  std::size_t asked_for = 0;
  std::size_t in_a_row = 0;    ///< attempts of this moment since the last reason to hope
  bool timer_was_due = false;  ///< the TimerFired under way is one of `due`
};

/// True when `actions` hold one of that kind.
template <class Kind>
[[nodiscard]] bool has(const Actions& actions) {
  for (const Action& action : actions)
    if (std::holds_alternative<Kind>(action)) return true;
  return false;
}

}  // namespace holdfast::supervisor
