// Which bastion the machine goes to, when, and when it goes back.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::TunnelState;

void Machine::set_rules(Rules rules) { rules_ = std::move(rules); }

bool Machine::previously_held() const {
  return view_.bastion < rules_.previously_held.size() && rules_.previously_held[view_.bastion];
}

void Machine::set_port_held(bool held) {
  rules_.previously_held.resize(std::max(rules_.previously_held.size(), bastions_.size()));
  rules_.previously_held[view_.bastion] = held;
}

// --- the next one

std::size_t Machine::first_due() const {
  const auto due = [](const BastionState& one, const BastionState& other) { return one.due < other.due; };
  const auto first = std::ranges::min_element(bastions_, due);
  // Of those that are due already the one that stands before the others.
  const auto ready = std::ranges::find_if(bastions_, [&](const BastionState& one) { return one.due <= now_; });
  return static_cast<std::size_t>((ready != bastions_.end() ? ready : first) - bastions_.begin());
}

RetrySpread Machine::spread(std::size_t bastion) const {
  return rules_.spread ? rules_.spread(bastion) : RetrySpread{};
}

void Machine::note_failure(std::size_t bastion, FailureClass failure, Milliseconds wait) {
  BastionState& choice = bastions_[bastion];
  choice.urgency = urgency_of(failure);
  choice.due = now_ + std::max(wait, choice.limit.until_login(now_));
  const bool refused = failure == FailureClass::refused;
  watch_path({.on = choice.urgency != Urgency::needs_person,
              .gone = refused || failure == FailureClass::unreachable,
              .refused = refused || failure == FailureClass::closed,
              .first_look = choice.limit.until_first_bastion_probe(now_),
              .bastion = bastion});
}

// Whoever loses a bastion that carried it comes back to that one first, and spread: the others of a fleet have lost it
// too, and are not to storm the next. An attempt that came to nothing passes on at once.
void Machine::wait_for_retry(DropScope drop_scope) {
  cancel_all();
  const FailureClass failure = cause_ ? cause_->failure : FailureClass::unknown;
  const std::string reason = cause_ ? cause_->message : "ssh ended";
  note_failure(view_.bastion, failure, backoff().after(failure, drop_scope, now_, chance_, spread(view_.bastion)));
  next_ = drop_scope == DropScope::none ? first_due() : view_.bastion;
  const BastionState& next = bastions_[next_];
  const bool needs_person = next.urgency == Urgency::needs_person;
  if (next.due <= now_) {
    show(TunnelState::connecting, reason);
    return begin_attempt(next_);
  }
  phase_ = Phase::waiting;
  view_.next_attempt = next.due;
  show(needs_person ? TunnelState::failed : TunnelState::waiting, reason);
  set(Timer::retry, std::chrono::ceil<Milliseconds>(next.due - now_));
}

void Machine::retry_early() {
  for (std::size_t at = 0; at < bastions_.size(); ++at)
    if (bastions_[at].backoff.allows_early(bastions_[at].urgency, now_)) return begin_attempt(at);
}

// --- back to a better one

void Machine::plan_failback_probe() {
  if (view_.bastion == 0 || failback_probe_) return;
  const auto end = bastions_.begin() + static_cast<std::ptrdiff_t>(view_.bastion);
  const auto due = std::min_element(bastions_.begin(), end, [](const BastionState& one, const BastionState& other) {
                     return one.due < other.due;
                   })->due;
  const auto since = phase_ == Phase::port_busy ? port_busy_since_ : up_since_;
  set(Timer::failback_probe,
      std::max({std::chrono::ceil<Milliseconds>(due - now_),
                std::chrono::ceil<Milliseconds>(since + failback_delay_ - now_), Milliseconds(1)}));
}

void Machine::begin_failback_probe() {
  if ((phase_ != Phase::up && phase_ != Phase::port_busy) || failback_probe_) return;
  const auto since = phase_ == Phase::port_busy ? port_busy_since_ : up_since_;
  if (now_ - since < failback_delay_) return plan_failback_probe();
  for (std::size_t at = 0; at < view_.bastion; ++at) {
    if (bastions_[at].due > now_) continue;
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
  BastionState& choice = bastions_[event.bastion];
  if (!event.why) {
    choice.between_failback_probes = Milliseconds{0};
    lift_limit(event.bastion);
    return move_back_to(event.bastion);
  }
  choice.between_failback_probes =
      std::clamp(choice.between_failback_probes * 2, k_shortest_failback_delay, k_longest_between_failback_probes);
  const Milliseconds wait =
      choice.backoff.after(event.why->failure, DropScope::none, now_, chance_, spread(event.bastion));
  const auto spread = static_cast<double>(choice.between_failback_probes.count()) * (1 + chance_) / 2;
  note_failure(event.bastion, event.why->failure, std::max(wait, Milliseconds(static_cast<Milliseconds::rep>(spread))));
  plan_failback_probe();
}

// The sessions through the present one end with it, so that it must not come and go.
void Machine::move_back_to(std::size_t bastion) {
  failback_delay_ = std::min(failback_delay_ * 2, k_longest_failback_delay);
  cause_.reset();
  end_child();
  moving_to_ = bastion;
}

// --- paths

void Machine::handle(const PathBack& event) {
  if (event.bastion >= bastions_.size()) return;
  BastionState& choice = bastions_[event.bastion];
  if (phase_ == Phase::waiting) {
    if (choice.backoff.allows_early(choice.urgency, now_)) begin_attempt(event.bastion);
  } else if (phase_ == Phase::starting && event.bastion == view_.bastion) {
    restart_attempt();
  } else if (event.bastion < view_.bastion && (phase_ == Phase::up || phase_ == Phase::port_busy) && !failback_probe_ &&
             choice.backoff.allows_early(choice.urgency, now_)) {
    choice.due = now_ + choice.limit.until_login(now_);
    plan_failback_probe();
  }
}

// A wait that was for the others' sake would find no sshd at its end: the watch tells when there is one. Where there is
// another bastion, that wait is what keeps a fleet from storming the next.
void Machine::handle(const PathRefused& event) {
  if (may_be_watched(event.bastion)) bastions_[event.bastion].limit.on_reset();
  if (phase_ != Phase::waiting || bastions_.size() != 1 || event.bastion != 0 || !spread(0).spread_delay) return;
  BastionState& choice = bastions_[0];
  if (choice.urgency == Urgency::needs_person || choice.due - now_ >= k_looked_at / 2) return;
  const Milliseconds wait = choice.backoff.after(FailureClass::refused, DropScope::none, now_, chance_, spread(0));
  choice.due = now_ + std::max(wait, choice.limit.until_login(now_));
  view_.next_attempt = choice.due;
  set(Timer::retry, std::chrono::ceil<Milliseconds>(choice.due - now_));
}

void Machine::watch_path(WatchPath watch) { actions_.emplace_back(watch); }

/// Those before it are worth going back to.
void Machine::leave_paths(std::size_t from) {
  for (std::size_t at = from; at < bastions_.size(); ++at) watch_path({.bastion = at});
}

}  // namespace holdfast::supervisor
