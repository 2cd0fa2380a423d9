#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::supervisor {
namespace {

using store::ForwardState;
using store::TunnelState;

constexpr Milliseconds k_health = std::chrono::seconds(60);  // well for this long: the past is forgiven
constexpr int k_silences = 2;                                // in a row, until the peer counts as dead

}  // namespace

std::string_view to_text(Phase phase) noexcept {
  constexpr std::array<std::string_view, 9> k_texts{"idle",      "waiting", "starting", "opening", "contested",
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
  view_.forwards.assign(rules_.forwards, ForwardState::pending);
  open_.assign(rules_.forwards, false);
  refused_ = open_;
}

Actions Machine::on(const Event& event, TimePoint now, double chance) {
  now_ = now;
  chance_ = chance;
  actions_.clear();
  if (phase_ != Phase::stopped) std::visit([this](const auto& one) { handle(one); }, event);
  return std::exchange(actions_, {});
}

// --- the attempt

void Machine::handle(const Started&) {
  if (phase_ == Phase::idle) begin_attempt(0);
}

void Machine::begin_attempt(std::size_t bastion) {
  if (const Milliseconds wait = bastions_[bastion].limit.until_login(now_); wait > Milliseconds{0}) {
    bastions_[bastion].due = now_ + wait;
    return wait_out_limit();
  }
  cancel_all();
  forget_requests();
  phase_ = Phase::starting;
  view_.bastion = bastion;
  moving_to_.reset();
  woke_ = false;
  attempt_began_ = now_;
  open_.assign(view_.forwards.size(), false);
  refused_ = open_;
  nobody_answers_ = 0;
  kill_sent_ = was_verified_ = restarting_ = reloading_ = knocking_ = false;
  cause_.reset();
  view_.next_attempt.reset();
  // A tunnel that a person must mend stays `failed` to the eye while a slow retry is made.
  if (view_.state != TunnelState::failed) show(TunnelState::connecting, "connecting");
  note_login(bastion);
  actions_.emplace_back(StartChild{bastion});
  set(Timer::attempt, k_attempt_limit);
}

void Machine::handle(const ChildFailedToStart& event) {
  if (phase_ != Phase::starting) return;
  cause_ = event.why;
  remember(event.why);
  if (stopping_) return stop();
  wait_for_retry(DropScope::none);
}

void Machine::handle(const ControlReady&) {
  if (phase_ != Phase::starting) return;
  lift_limit(view_.bastion);
  leave_paths(view_.bastion);
  phase_ = Phase::opening;
  ask_for_next_forward();
}

void Machine::ask_for_next_forward() {
  for (next_forward_ = 0; next_forward_ < open_.size(); ++next_forward_)
    if (!open_[next_forward_] && !refused_[next_forward_]) return ask_for(next_forward_);
  if (std::find(refused_.begin(), refused_.end(), true) != refused_.end()) return begin_port_conflict();
  phase_ = Phase::verifying;
  set(Timer::attempt, k_attempt_limit);
  begin_probe();
}

void Machine::handle(const ForwardAnswered& event) {
  if (!is_answer(event.request)) return;
  forget_requests();
  if (event.kind == ForwardAnswered::Kind::granted) {
    open_[next_forward_] = true;
    refused_[next_forward_] = false;
    view_.forwards[next_forward_] = ForwardState::pending;
  }
  if (change_) return apply_change();
  switch (event.kind) {
    case ForwardAnswered::Kind::granted:
      silences_ = 0;
      nobody_answers_ = 0;
      knocking_ = false;
      phase_ = Phase::opening;
      if (view_.state == TunnelState::standby) show(TunnelState::connecting, "the port is free");
      cancel(Timer::ask_again);
      set(Timer::attempt, k_attempt_limit);
      return ask_for_next_forward();
    case ForwardAnswered::Kind::refused:
      silences_ = 0;
      return on_refusal();
    case ForwardAnswered::Kind::no_reply:
      if (++silences_ >= k_silences) return give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
      if (phase_ == Phase::port_busy) return port_conflict();
      return ask_for_next_forward();
  }
}

// --- the truth

void Machine::begin_probe() {
  cancel(Timer::probe);
  probed_.clear();
  for (std::size_t at = 0; at < open_.size(); ++at)
    if (open_[at]) probed_.push_back(at);
  actions_.emplace_back(Probe{new_request(), probed_, timeout()});
}

Milliseconds Machine::timeout() const {
  if (rules_.target_by_name && silences_ >= k_silences) return k_long_probe_timeout;
  if (!woke_) return k_probe_timeout;
  if (!view_.rtt_ms) return k_unmeasured_probe_timeout;
  const auto trips = Milliseconds(static_cast<Milliseconds::rep>(4 * *view_.rtt_ms));  // a slow path stays slow
  return std::min(k_short_probe_timeout + trips, k_probe_timeout);
}

void Machine::handle(const ProbeAnswered& event) {
  if (!is_answer(event.request)) return;
  forget_requests();
  if (change_) return apply_change();
  if (event.kind == ProbeAnswered::Kind::silent) return on_silence();
  silences_ = 0;
  woke_ = false;
  for (std::size_t at = 0; at < std::min(probed_.size(), event.forwards.size()); ++at)
    view_.forwards[probed_[at]] = event.forwards[at];
  if (phase_ == Phase::port_busy && event.kind != ProbeAnswered::Kind::lost) return look_at_open_ones();
  switch (event.kind) {
    case ProbeAnswered::Kind::verified:
    case ProbeAnswered::Kind::unproven:
      return become_up(event);
    case ProbeAnswered::Kind::target_down:
      return target_is_down(event);
    case ProbeAnswered::Kind::lost:
      return give_up(event.why ? *event.why : rules_.explain(FailureClass::closed, std::nullopt));
    case ProbeAnswered::Kind::silent:
      return;
  }
}

void Machine::become_up(const ProbeAnswered& answer) {
  if (phase_ != Phase::up) {
    phase_ = Phase::up;
    up_since_ = now_;
    cancel(Timer::attempt);
    plan_failback_probe();
  }
  was_verified_ = true;
  set_port_held(true);
  view_.verified = answer.kind == ProbeAnswered::Kind::verified;
  view_.rtt_ms = answer.rtt_ms;
  if (!view_.verified && answer.why && view_.last_error != answer.why) remember(*answer.why);
  show(TunnelState::up, view_.verified ? "verified end to end" : "open, but not verified end to end");
  set(Timer::probe, probe_wait());
}

// The path is good: ssh stays, only the truth is told.
void Machine::target_is_down(const ProbeAnswered& answer) {
  if (phase_ != Phase::up) plan_failback_probe();
  phase_ = Phase::up;
  up_since_ = now_;
  was_verified_ = true;
  set_port_held(true);
  cancel(Timer::attempt);
  view_.verified = false;
  view_.rtt_ms.reset();
  const Diagnosis why = answer.why ? *answer.why : rules_.explain(FailureClass::target_down, std::nullopt);
  if (view_.state != TunnelState::waiting || view_.last_error != why) remember(why);
  show(TunnelState::waiting, why.message);
  set(Timer::probe, soon_probe_wait());
}

void Machine::on_silence() {
  ++silences_;
  const int timeout = rules_.target_by_name ? k_silences + 1 : k_silences;
  if (silences_ < timeout) return begin_probe();
  give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
}

Milliseconds Machine::probe_wait() const {
  const auto whole = std::chrono::duration_cast<Milliseconds>(rules_.probe_interval);
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(whole.count()) * (0.8 + 0.2 * chance_)));
}

Milliseconds Machine::soon_probe_wait() const {
  return std::min<Milliseconds>(k_target_recheck, rules_.probe_interval);
}

// --- the end of a run

void Machine::give_up(Diagnosis why) {
  remember(why);
  cause_ = std::move(why);
  end_child();
}

bool Machine::has_child() const noexcept {
  switch (phase_) {
    case Phase::starting:
    case Phase::opening:
    case Phase::port_busy:
    case Phase::verifying:
    case Phase::up:
    case Phase::ending:
      return true;
    case Phase::idle:
    case Phase::waiting:
    case Phase::stopped:
      return false;
  }
  return false;
}

bool Machine::was_healthy() const {
  if (phase_ == Phase::up) return now_ - up_since_ >= k_health;
  return view_.state == TunnelState::standby && now_ - port_busy_since_ >= k_health;
}

void Machine::end_child() {
  if (phase_ == Phase::ending) return;
  // What a run earned must not be lost on the way to its end.
  if (was_healthy()) backoff().reset();
  cancel_all();
  forget_requests();
  leave_paths(view_.bastion);
  end_failback_probe();
  phase_ = Phase::ending;
  kill_sent_ = false;
  view_.verified = false;
  view_.rtt_ms.reset();
  if (stopping_)
    show(TunnelState::stopped, "stopped");
  else if (view_.state != TunnelState::failed)
    show(TunnelState::connecting, cause_ ? cause_->message : "connecting");
  actions_.emplace_back(EndChild{});
  set(Timer::kill, k_kill_grace);
}

void Machine::handle(const ChildExited& event) {
  if (!has_child()) return;
  const bool asked = phase_ == Phase::ending;
  if (was_healthy()) backoff().reset();
  if (phase_ == Phase::up && now_ - up_since_ >= k_settled) failback_delay_ = k_shortest_failback_delay;
  cancel_all();
  end_failback_probe();
  forget_requests();
  view_.verified = false;
  view_.rtt_ms.reset();
  phase_ = Phase::ending;
  if (change_) apply_change();
  mark_all(ForwardState::down);
  if (stopping_) return stop();
  if (was_verified_) ++view_.reconnects;
  if (reloading_) return begin_attempt(0);
  if (restarting_) return begin_attempt(view_.bastion);
  if (moving_to_) return begin_attempt(*moving_to_);
  if (!asked) {
    cause_ = event.why ? *event.why : ssh::explain_silent_end("ssh", event.end);
    remember(*cause_);
  }
  // An ssh that loses its bastion says so; one that was killed says nothing. A silence is noticed by each at its own
  // time, a bastion that closes by all at once.
  const bool closed_on_us = !asked && event.why && event.why->failure == FailureClass::closed;
  wait_for_retry(!was_verified_ ? DropScope::none : closed_on_us ? DropScope::remote : DropScope::local);
}

// --- small things

void Machine::show(TunnelState state, std::string reason) {
  if (view_.state == state && !view_.reason.empty()) {
    if (state == TunnelState::up || state == TunnelState::connecting) return;
  }
  view_.state = state;
  view_.reason = std::move(reason);
}

void Machine::remember(Diagnosis why) {
  view_.last_error = std::move(why);
  ++view_.errors;
}

void Machine::mark_all(ForwardState state) { std::fill(view_.forwards.begin(), view_.forwards.end(), state); }

void Machine::forget_requests() { awaited_ = 0; }

void Machine::set(Timer timer, Milliseconds wait) { actions_.emplace_back(SetTimer{timer, wait}); }

void Machine::cancel(Timer timer) { actions_.emplace_back(CancelTimer{timer}); }

void Machine::cancel_all() {
  for (const Timer timer :
       {Timer::attempt, Timer::retry, Timer::probe, Timer::ask_again, Timer::kill, Timer::failback_probe})
    cancel(timer);
}

}  // namespace holdfast::supervisor
