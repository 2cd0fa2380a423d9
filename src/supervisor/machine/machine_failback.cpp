// Which bastion the machine goes to, when, and when it goes back.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::TunnelState;

void Machine::set_rules(Rules rules) { rules_ = std::move(rules); }

bool Machine::held_before() const {
  return view_.bastion < rules_.held_before.size() && rules_.held_before[view_.bastion];
}

void Machine::hold(bool held) {
  rules_.held_before.resize(std::max(rules_.held_before.size(), choices_.size()));
  rules_.held_before[view_.bastion] = held;
}

// --- the next one

std::size_t Machine::first_due() const {
  const auto due = [](const Choice& one, const Choice& other) { return one.due < other.due; };
  const auto first = std::ranges::min_element(choices_, due);
  // Of those that are due already the one that stands before the others.
  const auto ready = std::ranges::find_if(choices_, [&](const Choice& one) { return one.due <= now_; });
  return static_cast<std::size_t>((ready != choices_.end() ? ready : first) - choices_.begin());
}

Apart Machine::apart(std::size_t bastion) const { return rules_.apart ? rules_.apart(bastion) : Apart{}; }

void Machine::note_failure(std::size_t bastion, FailureClass failure, Milliseconds wait) {
  Choice& choice = choices_[bastion];
  choice.urgency = urgency_of(failure);
  choice.due = now_ + std::max(wait, choice.limit.until_login(now_));
  const bool refused = failure == FailureClass::refused;
  watch_path({.on = choice.urgency != Urgency::needs_person,
              .gone = refused || failure == FailureClass::unreachable,
              .refused = refused || failure == FailureClass::closed,
              .first_look = choice.limit.until_first_look(now_),
              .bastion = bastion});
}

// Whoever loses a bastion that carried it comes back to that one first, and spread: the others of a fleet have lost it
// too, and are not to storm the next. An attempt that came to nothing passes on at once.
void Machine::wait_for_retry(Loss loss) {
  cancel_all();
  const FailureClass failure = cause_ ? cause_->failure : FailureClass::unknown;
  const std::string reason = cause_ ? cause_->message : "ssh ended";
  note_failure(view_.bastion, failure, backoff().after(failure, loss, now_, chance_, apart(view_.bastion)));
  next_ = loss == Loss::none ? first_due() : view_.bastion;
  const Choice& next = choices_[next_];
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
  for (std::size_t at = 0; at < choices_.size(); ++at)
    if (choices_[at].backoff.allows_early(choices_[at].urgency, now_)) return begin_attempt(at);
}

// --- back to a better one

void Machine::plan_trial() {
  if (view_.bastion == 0 || trial_) return;
  const auto end = choices_.begin() + static_cast<std::ptrdiff_t>(view_.bastion);
  const auto due = std::min_element(choices_.begin(), end, [](const Choice& one, const Choice& other) {
                     return one.due < other.due;
                   })->due;
  const auto since = phase_ == Phase::contested ? contested_since_ : up_since_;
  set(Timer::trial, std::max({std::chrono::ceil<Milliseconds>(due - now_),
                              std::chrono::ceil<Milliseconds>(since + stay_ - now_), Milliseconds(1)}));
}

void Machine::begin_trial() {
  if ((phase_ != Phase::up && phase_ != Phase::contested) || trial_) return;
  const auto since = phase_ == Phase::contested ? contested_since_ : up_since_;
  if (now_ - since < stay_) return plan_trial();
  for (std::size_t at = 0; at < view_.bastion; ++at) {
    if (choices_[at].due > now_) continue;
    trial_ = at;
    note_login(at);
    actions_.emplace_back(Try{at});
    return;
  }
  plan_trial();
}

void Machine::end_trial() {
  if (!std::exchange(trial_, std::nullopt)) return;
  actions_.emplace_back(EndTrial{});
}

void Machine::handle(const TrialAnswered& event) {
  if (!trial_ || *trial_ != event.bastion) return;
  trial_.reset();
  Choice& choice = choices_[event.bastion];
  if (!event.why) {
    choice.between_trials = Milliseconds{0};
    lift_limit(event.bastion);
    return move_back_to(event.bastion);
  }
  choice.between_trials = std::clamp(choice.between_trials * 2, k_shortest_stay, k_longest_between_trials);
  const Milliseconds wait = choice.backoff.after(event.why->failure, Loss::none, now_, chance_, apart(event.bastion));
  const auto spread = static_cast<double>(choice.between_trials.count()) * (1 + chance_) / 2;
  note_failure(event.bastion, event.why->failure, std::max(wait, Milliseconds(static_cast<Milliseconds::rep>(spread))));
  plan_trial();
}

// The sessions through the present one end with it, so that it must not come and go.
void Machine::move_back_to(std::size_t bastion) {
  stay_ = std::min(stay_ * 2, k_longest_stay);
  cause_.reset();
  end_child();
  moving_to_ = bastion;
}

// --- paths

void Machine::handle(const PathBack& event) {
  if (event.bastion >= choices_.size()) return;
  Choice& choice = choices_[event.bastion];
  if (phase_ == Phase::waiting) {
    if (choice.backoff.allows_early(choice.urgency, now_)) begin_attempt(event.bastion);
  } else if (phase_ == Phase::starting && event.bastion == view_.bastion) {
    restart_attempt();
  } else if (event.bastion < view_.bastion && (phase_ == Phase::up || phase_ == Phase::contested) && !trial_ &&
             choice.backoff.allows_early(choice.urgency, now_)) {
    choice.due = now_ + choice.limit.until_login(now_);
    plan_trial();
  }
}

// A wait that was for the others' sake would find no sshd at its end: the watch tells when there is one. Where there is
// another bastion, that wait is what keeps a fleet from storming the next.
void Machine::handle(const PathRefused& event) {
  if (may_be_watched(event.bastion)) choices_[event.bastion].limit.on_reset();
  if (phase_ != Phase::waiting || choices_.size() != 1 || event.bastion != 0 || !apart(0).own_wait) return;
  Choice& choice = choices_[0];
  if (choice.urgency == Urgency::needs_person || choice.due - now_ >= k_looked_at / 2) return;
  const Milliseconds wait = choice.backoff.after(FailureClass::refused, Loss::none, now_, chance_, apart(0));
  choice.due = now_ + std::max(wait, choice.limit.until_login(now_));
  view_.next_attempt = choice.due;
  set(Timer::retry, std::chrono::ceil<Milliseconds>(choice.due - now_));
}

void Machine::watch_path(WatchPath watch) { actions_.emplace_back(watch); }

/// Those before it are worth going back to.
void Machine::leave_paths(std::size_t from) {
  for (std::size_t at = from; at < choices_.size(); ++at) watch_path({.bastion = at});
}

}  // namespace holdfast::supervisor
