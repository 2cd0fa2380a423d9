#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::supervisor {

using store::ForwardState;
using store::TunnelState;

std::string_view to_text(Phase phase) noexcept {
  constexpr std::array<std::string_view, 9> k_texts{"idle",      "waiting", "starting", "opening", "port busy",
                                                    "verifying", "up",      "ending",   "stopped"};
  return k_texts.at(static_cast<std::size_t>(phase));
}

Machine::Machine(Rules rules) : rules_(std::move(rules)) {
  bastions_.resize(rules_.bastions);
  for (std::size_t at = 0; at < std::min(bastions_.size(), rules_.no_login_before.size()); ++at)
    if (const auto& time = rules_.no_login_before[at]) {
      bastions_[at].limit = ConnectionLimit(*time);
      bastions_[at].due = *time;
    }
  restore_crowds();
  set_forward_count(rules_.forwards);
}

void Machine::set_rules(Rules rules) {
  rules_ = std::move(rules);
  restore_crowds();
}

void Machine::set_forward_count(std::size_t count) {
  view_.forwards.assign(count, ForwardState::pending);
  attempt_.open.assign(count, false);
  attempt_.refused.assign(count, false);
}

Actions Machine::on(const Event& event, TimePoint now, double chance) {
  now_ = now;
  chance_ = chance;
  actions_.clear();
  if (phase_ != Phase::stopped) std::visit([this](const auto& one) { handle(one); }, event);
  return std::exchange(actions_, {});
}

// --- login

void Machine::handle(const Started&) {
  if (phase_ == Phase::idle) begin_attempt(0);
}

void Machine::begin_attempt(std::size_t bastion) {
  if (const Milliseconds wait = bastions_[bastion].limit.until_login(now_); wait > Milliseconds{0}) {
    bastions_[bastion].due = now_ + wait;
    return wait_for_limit("a firewall at the bastion limits new connections");
  }
  if (waits_for_other_logins(bastion))
    return wait_for_limit("the bastion refused logins of this machine: waiting, so that it does not ban this machine");
  cancel_all();
  forget_request();
  phase_ = Phase::starting;
  view_.bastion = bastion;
  view_.next_attempt.reset();
  attempt_ = {};
  attempt_.began = now_;
  attempt_.open.assign(view_.forwards.size(), false);
  attempt_.refused.assign(view_.forwards.size(), false);
  // A failure that needs manual action stays visible during its slow retries.
  if (view_.state != TunnelState::failed) view_.show(TunnelState::connecting, "connecting");
  note_login(bastion);
  actions_.emplace_back(StartChild{bastion});
  set(Timer::attempt, k_attempt_limit);
}

// A stop or a reload may come before the answer to StartChild: then ssh is ending already.
void Machine::handle(const ChildFailedToStart& event) {
  if (phase_ != Phase::starting && phase_ != Phase::ending) return;
  attempt_.cause = event.why;
  view_.set_error(event.why);
  conclude_attempt(DropScope::none);
}

void Machine::handle(const LoginBlocked& event) {
  if (phase_ == Phase::starting) give_up(event.why);
}

void Machine::handle(const ControlReady&) {
  if (phase_ != Phase::starting) return;
  stuck_attempts_ = 0;
  lift_limit(view_.bastion);
  if (bastions_[view_.bastion].crowd.on_login(now_)) note_crowd(view_.bastion);
  unwatch_paths(view_.bastion);
  phase_ = Phase::opening;
  request_next_forward();
}

// --- forwards

void Machine::request_forward(std::size_t forward) {
  attempt_.requested_at = now_;
  actions_.emplace_back(OpenForward{new_request(), forward});
}

void Machine::request_next_forward() {
  std::size_t& next = attempt_.next_forward;
  for (next = 0; next < attempt_.open.size(); ++next)
    if (!attempt_.open[next] && !attempt_.refused[next]) return request_forward(next);
  if (const auto refused = std::ranges::find(attempt_.refused, true); refused != attempt_.refused.end()) {
    next = static_cast<std::size_t>(refused - attempt_.refused.begin());
    return begin_port_conflict();
  }
  phase_ = Phase::verifying;
  set(Timer::attempt, k_attempt_limit);
  begin_probe();
}

void Machine::handle(const ForwardAnswered& event) {
  if (!is_pending(event.request)) return;
  forget_request();
  if (event.kind == ForwardAnswered::Kind::granted) {
    attempt_.open[attempt_.next_forward] = true;
    attempt_.refused[attempt_.next_forward] = false;
    view_.forwards[attempt_.next_forward] = ForwardState::pending;
  }
  if (change_) return apply_change();
  switch (event.kind) {
    case ForwardAnswered::Kind::granted:
      attempt_.probes.on_answer();
      attempt_.refusals_of_free_port = 0;
      phase_ = Phase::opening;
      if (view_.state == TunnelState::standby) view_.show(TunnelState::connecting, "the port is free");
      cancel(Timer::forward_retry);
      set(Timer::attempt, k_attempt_limit);
      return request_next_forward();
    case ForwardAnswered::Kind::refused:
      ++attempt_.refusals;
      attempt_.probes.on_answer();
      return on_refusal();
    case ForwardAnswered::Kind::no_reply:
      if (phase_ == Phase::port_busy && event.connection.flow == ConnectionStatus::Flow::silent)
        return await_path(ProbePolicy::interval(rules_, chance_));
      if (attempt_.probes.on_silent_request()) return give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
      if (phase_ == Phase::port_busy) return continue_port_conflict();
      return request_next_forward();
  }
}

// --- probes

void Machine::begin_probe() {
  cancel(Timer::probe);
  attempt_.probed_forwards.clear();
  for (std::size_t at = 0; at < attempt_.open.size(); ++at)
    if (attempt_.open[at]) attempt_.probed_forwards.push_back(at);
  actions_.emplace_back(
      Probe{new_request(), attempt_.probed_forwards, attempt_.probes.timeout(rules_, attempt_.rtt_ms)});
}

void Machine::handle(const ProbeAnswered& event) {
  if (!is_pending(event.request)) return;
  forget_request();
  if (change_) return apply_change();
  if (event.kind == ProbeAnswered::Kind::silent) return on_silent_probe(event.connection);
  attempt_.probes.on_answer();
  const auto& probed = attempt_.probed_forwards;
  for (std::size_t at = 0; at < std::min(probed.size(), event.forwards.size()); ++at)
    view_.forwards[probed[at]] = event.forwards[at];
  if (event.kind == ProbeAnswered::Kind::lost)
    return give_up(event.why ? *event.why : rules_.explain(FailureClass::closed, std::nullopt));
  if (phase_ == Phase::port_busy) {  // only the open forwards were probed
    show_port_conflict(view_.reason);
    set(Timer::probe, ProbePolicy::interval(rules_, chance_));
    return set(Timer::forward_retry, forward_retry_wait());
  }
  if (event.kind == ProbeAnswered::Kind::target_down) return on_target_down(event);
  become_up(event);
}

/// A connection that packets are lost on may outlive the outage, and the sessions through it with it: FlowDead tells
/// when it cannot. If the bastion's kernel acknowledges them, its sshd hangs, unless an outage has just ended.
void Machine::on_silent_probe(const ConnectionStatus& connection) {
  if (phase_ != Phase::verifying) {
    if (connection.route == os::RouteStatus::none) return await_network();
    const bool lost = connection.flow == ConnectionStatus::Flow::silent;
    const bool is_late = connection.flow == ConnectionStatus::Flow::heard && now_ < attempt_.peer_due;
    if (lost) note_silent_flow();
    // A new login is sooner there than the next retransmission, of either side.
    if (!connection.occupied && (is_late || (lost && attempt_.probes.suspects_dead_path())))
      return give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
    const bool may_be_replaced = bastions_.size() > 1 && !connection.occupied;
    if (lost && !may_be_replaced) return await_path(ProbePolicy::interval(rules_, chance_));
    if (is_late) return await_path(ProbePolicy::recheck_interval(rules_));
  }
  if (!attempt_.probes.on_silent_probe(rules_)) return begin_probe();
  give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
}

void Machine::become_up(const ProbeAnswered& answer) {
  if (phase_ != Phase::up) {
    phase_ = Phase::up;
    attempt_.up_since = now_;
    cancel(Timer::attempt);
    plan_failback_probe();
  }
  attempt_.was_up = true;
  bastions_[view_.bastion].silent_logins = 0;
  set_port_held(true);
  is_probe_forbidden_ = answer.kind == ProbeAnswered::Kind::unproven && answer.why;
  if (answer.rtt_ms) attempt_.rtt_ms = answer.rtt_ms;
  view_.show_up(answer);
  set(Timer::probe, ProbePolicy::interval_after(answer, rules_, chance_));
}

// The path works, so ssh stays. The healthy time counts from the target's return.
void Machine::on_target_down(const ProbeAnswered& answer) {
  if (phase_ != Phase::up) plan_failback_probe();
  phase_ = Phase::up;
  attempt_.up_since = now_;
  attempt_.was_up = true;
  set_port_held(true);
  cancel(Timer::attempt);
  view_.show_target_down(answer.why ? *answer.why : rules_.explain(FailureClass::target_down, std::nullopt));
  set(Timer::probe, ProbePolicy::recheck_interval(rules_));
}

// --- the end of an attempt

// A firewall that drops packets by their DSCP mark loses them only after the login: then ssh sets the mark.
void Machine::hint_at_lost_packets(Diagnosis& why) {
  constexpr int k_repeated = 3;
  const bool is_silence = why.failure == FailureClass::dead_peer || why.failure == FailureClass::timeout;
  if (!is_logged_in() || attempt_.was_up || !is_silence) return;
  if (++bastions_[view_.bastion].silent_logins >= k_repeated) why.hint = ssh::k_hint_for_lost_packets;
}

void Machine::give_up(Diagnosis why) {
  hint_at_lost_packets(why);
  view_.set_error(why);
  attempt_.cause = std::move(why);
  end_child();
}

bool Machine::has_child() const noexcept {
  return phase_ == Phase::starting || phase_ == Phase::ending || is_logged_in();
}

bool Machine::is_logged_in() const noexcept {
  return phase_ == Phase::opening || phase_ == Phase::port_busy || phase_ == Phase::verifying || phase_ == Phase::up;
}

bool Machine::was_healthy() const {
  if (phase_ == Phase::up) return now_ - attempt_.up_since >= k_healthy_run;
  return view_.state == TunnelState::standby && now_ - conflict_.since >= k_healthy_run;
}

void Machine::end_child() {
  if (phase_ == Phase::ending) return;
  if (was_healthy()) backoff().reset();  // before the phase changes
  cancel_all();
  forget_request();
  unwatch_paths(view_.bastion);
  end_failback_probe();
  phase_ = Phase::ending;
  view_.clear_measurement();
  if (stopping_)
    view_.show(TunnelState::stopped, "stopped");
  else if (view_.state != TunnelState::failed)
    view_.show(TunnelState::connecting, attempt_.cause ? attempt_.cause->message : "connecting");
  actions_.emplace_back(EndChild{});
  set(Timer::kill, k_kill_grace);
}

void Machine::handle(const ChildExited& event) {
  if (!has_child()) return;
  const bool was_told_to_end = phase_ == Phase::ending;
  if (was_healthy()) backoff().reset();
  if (phase_ == Phase::up && now_ - attempt_.up_since >= k_settled) failback_delay_ = k_shortest_failback_delay;
  cancel_all();
  end_failback_probe();
  forget_request();
  view_.clear_measurement();
  phase_ = Phase::ending;
  if (change_) apply_change();
  view_.mark_all(ForwardState::down);
  if (stopping_) return stop();
  if (attempt_.was_up) ++view_.reconnects;
  if (!was_told_to_end) {
    attempt_.cause = event.why ? *event.why : ssh::explain_silent_end("ssh", event.end);
    view_.set_error(*attempt_.cause);
  }
  // A bastion that closes does so to every tunnel at once. A kill is local, and ssh says nothing then. Silence is
  // detected at a different time by each tunnel.
  const bool bastion_closed = !was_told_to_end && event.why && event.why->failure == FailureClass::closed;
  conclude_attempt(!attempt_.was_up ? DropScope::none : bastion_closed ? DropScope::remote : DropScope::local);
}

void Machine::conclude_attempt(DropScope drop_scope) {
  if (stopping_) return stop();
  if (attempt_.next_bastion) return begin_attempt(*attempt_.next_bastion);
  wait_for_retry(drop_scope);
}

void Machine::cancel_all() {
  for (const Timer timer :
       {Timer::attempt, Timer::retry, Timer::probe, Timer::forward_retry, Timer::kill, Timer::failback_probe})
    cancel(timer);
}

}  // namespace holdfast::supervisor
