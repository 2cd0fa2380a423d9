// The invariants of a machine that depend on more than one action.
#include "world.hpp"

#include "supervisor/machine/fleet_spread.hpp"

#include <algorithm>

namespace holdfast::supervisor {

using store::ForwardState;
using store::TunnelState;

void World::check(bool holds, const char* invariant) {
  if (!holds && violation.empty())
    violation = std::string(invariant) + " (phase " + std::string(to_text(machine.phase())) + ")";
}

void World::check_takeover(const Event& event) {
  check(may_take_over_, "takeover is off by default");
  check(machine.phase() == Phase::port_busy, "only a busy port is taken over");
  const auto* holder = std::get_if<PortHolderAnswered>(&event);
  check(holder != nullptr && probed_target, "the target behind a port is probed before a takeover");
  check(holder == nullptr || (!holder->responds && !holder->why) || holder->kind == PortHolderAnswered::Kind::silent,
        "a holder that responds is not taken over");
  check(!took_over_ || now - *took_over_ >= k_between_takeovers || conflict_ended_since_takeover_,
        "one conflict sees a takeover every two minutes at most");
  conflict_ended_since_takeover_ = false;
}

// Lost packets may be an outage, and sessions may run through the tunnel.
void World::check_silence(const Event& event, Phase before) {
  const auto* probe = std::get_if<ProbeAnswered>(&event);
  const auto* requested = std::get_if<ForwardAnswered>(&event);
  if (before != Phase::up && before != Phase::port_busy) return;
  const bool silent = (probe != nullptr && probe->kind == ProbeAnswered::Kind::silent) ||
                      (requested != nullptr && requested->kind == ForwardAnswered::Kind::no_reply);
  if (!silent || !has<EndChild>(last_)) return;
  const ConnectionStatus& connection = probe != nullptr ? probe->connection : requested->connection;
  check(connection.flow != ConnectionStatus::Flow::silent || !connection.occupied,
        "lost packets alone never end a connection with sessions");
  check(probe == nullptr || connection.route != os::RouteStatus::none, "no connection is ended without a route");
}

void World::check_timer(const SetTimer& action) {
  const auto within = [&](Milliseconds lowest, Milliseconds highest) {
    return action.wait >= lowest && action.wait <= highest;
  };
  switch (action.timer) {
    case Timer::attempt:
      return check(within(k_attempt_limit, k_attempt_limit), "an attempt has a minute");
    case Timer::kill:
      return check(within(k_kill_grace, k_kill_grace), "SIGKILL comes three seconds after SIGTERM");
    case Timer::retry:
      return check(within(Milliseconds(1), k_longest_slow), "a retry waits up to 30 min");
    case Timer::forward_retry:
      if (is_standing_by())
        return check(within(k_between_standby_requests, k_longest_standby), "a standby waits 1 s to 13 s");
      return check(within(k_after_knock, std::chrono::seconds(15)) || within(k_shortest_slow, k_shortest_slow),
                   "a busy port is requested after 0.25 s to 15 s, a forbidden one after 5 min");
    case Timer::failback_probe:
      return check(within(Milliseconds(1), k_longest_slow), "a failback probe waits up to 30 min");
    case Timer::probe:
      return check(within(Milliseconds(1), probe_interval_), "a probe waits for its interval at most");
  }
}

// --- a crowd

Milliseconds World::spread_period() const {
  const auto is_known = [this](const std::optional<TimePoint>& forgotten_at) {
    return forgotten_at && now < *forgotten_at;
  };
  return std::ranges::any_of(crowds_, is_known) ? k_careful_spread : first_spread_;
}

/// A bastion that returned and dropped the login is crowded.
void World::check_crowd_note(const Event& event, Phase before) {
  if (before != Phase::starting) return;
  if (std::holds_alternative<ControlReady>(event)) refused_.at(bastion) = false;
  const auto* exited = std::get_if<ChildExited>(&event);
  if (exited == nullptr || !exited->why || has<Quit>(last_)) return;
  if (exited->why->failure == FailureClass::refused) refused_.at(bastion) = true;
  if (exited->why->failure == FailureClass::closed && refused_.at(bastion))
    check(has<NoteCrowd>(last_), "a login that is dropped after a return is noted");
}

/// After a drop that other tunnels saw, too.
void World::check_spread(const Event& event, Phase before) {
  const auto* exited = std::get_if<ChildExited>(&event);
  const bool is_closed = exited != nullptr && exited->why && exited->why->failure == FailureClass::closed;
  if (!is_closed || before != Phase::up || quit || !spread_) return;
  const Milliseconds wait = wait_of(Timer::retry);
  check(machine.phase() == Phase::waiting, "a shared drop is followed by a wait");
  check(wait >= spread_delay(*spread_(bastion).slot, spread_period()), "a known crowd spreads its logins over 6 s");
  check(starts.empty() || now + wait - starts.back() >= k_shortest_wait, "a bastion sees one login a second");
}

// --- standby

bool World::is_standing_by() const { return machine.view().state == TunnelState::standby; }

void World::check_standby(const Event& event, bool stood_by) {
  if (is_standing_by()) {
    check(may_stand_by_, "only with host = any a host stands by");
    const bool left = machine.phase() == Phase::stopped && may_leave;
    check((machine.phase() == Phase::port_busy || left) && child, "a standby is logged in");
    check(stood_by || !machine.view().last_error, "a standby begins without an error");
  }
  if (!stood_by) return;
  const auto* answered = std::get_if<ForwardAnswered>(&event);
  const bool refused = answered != nullptr && answered->kind == ForwardAnswered::Kind::refused;
  if (refused || std::holds_alternative<PortHolderAnswered>(event))
    // A deferred change of the forwards starts them again over the same connection.
    check((is_standing_by() || has<ChangeForwards>(last_)) && !has<EndChild>(last_),
          "a refusal does not end a standby's connection");
  if (!has<OpenForward>(last_) || !is_standing_by()) return;
  check(now - requested_at_ >= k_between_standby_requests, "a standby requests once a second at most");
  if (std::holds_alternative<TimerFired>(event) && timer_was_due_)
    check(now - requested_at_ >= k_shortest_standby, "without an event a standby waits 9 s at least");
}

// --- a firewall that limits new connections

bool World::may_be_watched(std::size_t at) const {
  const Phase phase = machine.phase();
  const bool is_logged_in =
      phase == Phase::opening || phase == Phase::port_busy || phase == Phase::verifying || phase == Phase::up;
  return at < bastions && phase != Phase::idle && !quit && !(is_logged_in && at >= bastion);
}

void World::limit(std::size_t at, TimePoint quiet_until) {
  limited_.at(at) = Limited{.quiet_until = quiet_until, .next_probe = {}, .connections = {}};
}

void World::check_limit_note(const NoteLimit& action, const Event& event) {
  check(action.bastion < bastions, "a limited bastion exists");
  auto& limited = limited_.at(action.bastion);
  if (action.no_login_before) {
    // After a silent probe only the machine knows whether a reset came before.
    const auto* blocked = std::get_if<PathBlocked>(&event);
    if (blocked != nullptr && blocked->bastion == action.bastion) limit(action.bastion, now + std::chrono::seconds(31));
    return check(limited.has_value(), "a limit begins with a blocked probe");
  }
  const auto* probed_bastion = std::get_if<FailbackProbeAnswered>(&event);
  check(std::holds_alternative<ControlReady>(event) || (probed_bastion != nullptr && !probed_bastion->why),
        "a limit ends with a successful login");
  limited.reset();
}

void World::run_watches() {
  for (std::size_t at = 0; at < limited_.size(); ++at)
    while (limited_[at] && limited_[at]->next_probe && *limited_[at]->next_probe <= now) {
      const TimePoint when = *limited_[at]->next_probe;
      limited_[at]->next_probe = when + k_between_limited_probes;
      connect(at, when);
    }
}

void World::connect(std::size_t to, TimePoint when) {
  if (!limited_.at(to)) return;
  Limited& limited = *limited_[to];
  check(when >= limited.quiet_until, "no connection is opened in the pause");
  limited.connections.push_back(when);
  while (when - limited.connections.front() > std::chrono::seconds(30)) limited.connections.pop_front();
  check(limited.connections.size() <= 4, "a limited bastion sees four new connections in 30 s at most");
}

std::size_t World::limited_connections(std::size_t to) {
  run_watches();
  if (!limited_.at(to)) return 0;
  auto& connections = limited_[to]->connections;
  while (!connections.empty() && now - connections.front() > std::chrono::seconds(30)) connections.pop_front();
  return connections.size();
}

// --- the state after every event

void World::check_state() {
  const View& view = machine.view();
  const Phase phase = machine.phase();
  if (phase == Phase::up) previously_held_.at(bastion) = true;
  check(!child || view.bastion == bastion, "the view names the bastion in use");
  const bool carries = phase == Phase::up || phase == Phase::port_busy;
  check(!carries || bastion == 0 || failback_probe || is_set(Timer::failback_probe),
        "on a fallback a failback probe is planned");
  check(view.forwards.size() == forwards || quit, "every forward has a state");
  if (view.state == TunnelState::up) {
    check((phase == Phase::up || (quit && may_leave)) && child, "up needs a probed ssh");
    check(std::ranges::all_of(view.forwards, [](ForwardState state) { return state == ForwardState::up; }),
          "up means every forward");
  }
  const auto is_up = [](ForwardState state) { return state == ForwardState::up; };
  if (view.state == TunnelState::degraded) {
    check((phase == Phase::opening || phase == Phase::port_busy || phase == Phase::verifying || phase == Phase::up ||
           (quit && may_leave)) &&
              child,
          "degraded needs a logged-in ssh");
    check(std::ranges::any_of(view.forwards, is_up) && !std::ranges::all_of(view.forwards, is_up),
          "degraded means that one forward works and one does not");
    check(view.last_error.has_value(), "a degraded tunnel has an error");
  }
  check(!view.verified || view.state == TunnelState::up, "verified means up");
  if (view.state == TunnelState::failed) check(view.last_error.has_value(), "a failure has an error");
  check(view.next_attempt.has_value() == (phase == Phase::waiting), "only a waiting machine has a next attempt");
}

void World::check_phase() {
  const Phase phase = machine.phase();
  check((phase == Phase::stopped) == quit, "stopped means quit");
  switch (phase) {
    case Phase::idle:
    case Phase::stopped:
      return;
    case Phase::waiting:
      return check(!child && is_set(Timer::retry), "waiting ends by a timer");
    case Phase::starting:
    case Phase::opening:
    case Phase::verifying:
      return check(child && is_set(Timer::attempt), "an attempt ends by a timer");
    case Phase::port_busy:
      return check(child && (is_set(Timer::forward_retry) || request != 0),
                   "a port conflict continues by a timer or an answer");
    case Phase::up:
      return check(child && (is_set(Timer::probe) || request != 0), "up is probed again");
    case Phase::ending:
      return check(child && is_set(Timer::kill), "ending ends by a timer");
  }
}

}  // namespace holdfast::supervisor
