// Which bastion the machine tries, when it retries, and when it fails back to a better one.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::TunnelState;

// --- retry

/// The first bastion in the tunnel's order that is due, else the one that is due next.
std::size_t Machine::first_due() const {
  const auto is_due = [this](const BastionState& bastion) { return bastion.due <= now_; };
  auto first = std::ranges::find_if(bastions_, is_due);
  if (first == bastions_.end()) first = std::ranges::min_element(bastions_, {}, &BastionState::due);
  return static_cast<std::size_t>(first - bastions_.begin());
}

/// `shortest_wait`: the backoff may want a longer one.
void Machine::record_failure(std::size_t bastion, FailureClass failure, DropScope drop_scope,
                             Milliseconds shortest_wait) {
  BastionState& state = bastions_[bastion];
  const Milliseconds wait =
      std::max(state.backoff.after(failure, drop_scope, now_, chance_, spread(bastion)), shortest_wait);
  look_for_crowd(bastion, failure, drop_scope);
  state.urgency = urgency_of(failure);
  state.due = now_ + std::max(wait, state.limit.until_login(now_));
  const bool refused = failure == FailureClass::refused;
  watch_path({.on = state.urgency != Urgency::manual,
              .seen_down = refused || failure == FailureClass::unreachable,
              .refused = refused || failure == FailureClass::closed,
              .first_probe = state.limit.until_first_bastion_probe(now_),
              .spread = spread_period(),
              .bastion = bastion});
}

// A tunnel that was up retries its bastion first, and spread: otherwise a whole fleet that lost its bastion would log
// in to the next one at once. An attempt that never came up moves on at once.
void Machine::wait_for_retry(DropScope drop_scope) {
  cancel_all();
  const FailureClass failure = attempt_.cause ? attempt_.cause->retry_class() : FailureClass::unknown;
  const std::string reason = attempt_.cause ? attempt_.cause->message : "ssh ended";
  // A bastion that closes each connection sees one login a second at most.
  const auto shortest_wait = drop_scope == DropScope::remote
                                 ? std::chrono::ceil<Milliseconds>(attempt_.began + k_shortest_wait - now_)
                                 : Milliseconds{0};
  record_failure(view_.bastion, failure, drop_scope, shortest_wait);
  retry_bastion_ = drop_scope == DropScope::none ? first_due() : view_.bastion;
  const BastionState& next = bastions_[retry_bastion_];
  if (next.due <= now_) {
    view_.show(TunnelState::connecting, reason);
    return begin_attempt(retry_bastion_);
  }
  phase_ = Phase::waiting;
  view_.next_attempt = next.due;
  view_.show(next.urgency == Urgency::manual ? TunnelState::failed : TunnelState::waiting, reason);
  set(Timer::retry, std::chrono::ceil<Milliseconds>(next.due - now_));
}

void Machine::retry_early() {
  for (std::size_t at = 0; at < bastions_.size(); ++at)
    if (bastions_[at].backoff.allows_early(bastions_[at].urgency, now_)) return begin_attempt(at);
}

// --- failback

TimePoint Machine::carried_since() const { return phase_ == Phase::port_busy ? conflict_.since : attempt_.up_since; }

void Machine::plan_failback_probe() {
  if (view_.bastion == 0 || failback_probe_) return;
  const auto end = bastions_.begin() + static_cast<std::ptrdiff_t>(view_.bastion);
  const auto due = std::ranges::min_element(bastions_.begin(), end, {}, &BastionState::due)->due;
  const auto earliest = std::max(due, carried_since() + failback_delay_);
  set(Timer::failback_probe, std::max(std::chrono::ceil<Milliseconds>(earliest - now_), Milliseconds(1)));
}

void Machine::begin_failback_probe() {
  if ((phase_ != Phase::up && phase_ != Phase::port_busy) || failback_probe_) return;
  if (now_ - carried_since() < failback_delay_) return plan_failback_probe();
  for (std::size_t at = 0; at < view_.bastion; ++at) {
    if (bastions_[at].due > now_ || waits_for_other_logins(at)) continue;
    failback_probe_ = at;
    note_login(at);
    actions_.emplace_back(StartFailbackProbe{at});
    return;
  }
  plan_failback_probe();
}

void Machine::end_failback_probe() {
  if (!std::exchange(failback_probe_, std::nullopt)) return;
  actions_.emplace_back(EndFailbackProbe{});
}

void Machine::handle(const FailbackProbeAnswered& event) {
  if (!failback_probe_ || *failback_probe_ != event.bastion) return;
  failback_probe_.reset();
  BastionState& state = bastions_[event.bastion];
  if (!event.why) {
    state.between_failback_probes = Milliseconds{0};
    lift_limit(event.bastion);
    if (state.crowd.on_login(now_)) note_crowd(event.bastion);
    // Failback ends the sessions through the present connection: each one doubles the delay of the next.
    failback_delay_ = std::min(failback_delay_ * 2, k_longest_failback_delay);
    attempt_.cause.reset();
    attempt_.next_bastion = event.bastion;
    return end_child();
  }
  state.between_failback_probes =
      std::clamp(state.between_failback_probes * 2, k_shortest_failback_delay, k_longest_between_failback_probes);
  const auto jittered = static_cast<double>(state.between_failback_probes.count()) * (1 + chance_) / 2;
  record_failure(event.bastion, event.why->failure, DropScope::none,
                 Milliseconds(static_cast<Milliseconds::rep>(jittered)));
  plan_failback_probe();
}

// --- events of the path watches

void Machine::handle(const PathRestored& event) {
  if (event.bastion >= bastions_.size()) return;
  BastionState& state = bastions_[event.bastion];
  if (phase_ == Phase::waiting) {
    if (state.backoff.allows_early(state.urgency, now_, EarlyReason::path)) begin_attempt(event.bastion);
  } else if (phase_ == Phase::starting && event.bastion == view_.bastion) {
    restart_stuck_attempt(EarlyReason::path);
  } else if (event.bastion < view_.bastion && (phase_ == Phase::up || phase_ == Phase::port_busy) && !failback_probe_ &&
             state.backoff.allows_early(state.urgency, now_, EarlyReason::path)) {
    state.due = now_ + state.limit.until_login(now_);
    plan_failback_probe();
  }
}

// A spread wait would end before sshd is back. The watch reports its return, so the retry timer is only a fallback.
// With another bastion the wait stays: it keeps a fleet from logging in to the next bastion at once.
void Machine::handle(const PathRefused& event) {
  if (may_be_watched(event.bastion)) {
    bastions_[event.bastion].limit.on_reset();
    bastions_[event.bastion].crowd.on_refused();
  }
  if (phase_ == Phase::waiting && event.bastion == view_.bastion) show_refused();
  if (phase_ != Phase::waiting || bastions_.size() != 1 || event.bastion != 0 || !spread(0).is_watched) return;
  BastionState& state = bastions_[0];
  if (state.urgency == Urgency::manual || state.due - now_ >= k_watched_retry / 2) return;
  const Milliseconds wait = state.backoff.after(FailureClass::refused, DropScope::none, now_, chance_, spread(0));
  state.due = now_ + std::max(wait, state.limit.until_login(now_));
  view_.next_attempt = state.due;
  set(Timer::retry, std::chrono::ceil<Milliseconds>(state.due - now_));
}

/// The reason why the last connection ended is no longer the reason for the wait.
void Machine::show_refused() {
  if (bastions_[view_.bastion].urgency == Urgency::manual) return;
  if (view_.last_error && view_.last_error->failure == FailureClass::refused) return;  // as ssh said
  Diagnosis why = rules_.explain(FailureClass::refused, std::nullopt);
  view_.show(TunnelState::waiting, why.message);
  view_.set_error(std::move(why));
}

/// Bastions before `from` stay watched: the tunnel may fail back to them.
void Machine::unwatch_paths(std::size_t from) {
  for (std::size_t at = from; at < bastions_.size(); ++at) watch_path({.bastion = at});
}

}  // namespace holdfast::supervisor
