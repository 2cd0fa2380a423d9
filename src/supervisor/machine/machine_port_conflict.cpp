// What the machine does about a port that is taken: by a session of its own that died badly, by somebody else, or by
// another host of the same tunnel.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using store::ForwardState;
using store::TunnelState;

constexpr Milliseconds k_eager_port_conflict = std::chrono::minutes(3);  // asking each second
constexpr Milliseconds k_patient_port_conflict = std::chrono::minutes(15);
constexpr int k_owner_silences = 2;  // in a row, until the owner counts as gone

}  // namespace

void Machine::ask_for(std::size_t forward) {
  asked_at_ = now_;
  actions_.emplace_back(OpenForward{new_request(), forward});
}

void Machine::ask_again() {
  cancel(Timer::ask_again);
  ask_for(next_forward_);
}

bool Machine::may_ask_early() const {
  return phase_ == Phase::port_busy && awaited_ == 0 &&
         (view_.state != TunnelState::standby || now_ - asked_at_ >= k_between_asks);
}

void Machine::on_refusal() {
  // Asked for again in a contest, the answer "taken" is nothing new.
  if (phase_ != Phase::port_busy) {
    actions_.emplace_back(FindPortHolder{new_request(), next_forward_});
  } else if (is_takeover_due() && view_.state != TunnelState::standby) {
    looked_closely_ = true;
    actions_.emplace_back(FindPortHolder{.request = new_request(), .forward = next_forward_, .closely = true});
  } else if (stale_port_diagnosis_ && view_.state != TunnelState::standby) {
    if (std::exchange(looked_closely_, true)) return port_conflict();
    actions_.emplace_back(FindPortHolder{.request = new_request(), .forward = next_forward_, .closely = true});
  } else if (view_.state == TunnelState::standby && now_ - looked_at_ >= rules_.probe_interval) {
    looked_at_ = now_;
    actions_.emplace_back(FindPortHolder{.request = new_request(), .forward = next_forward_, .closely = true});
  } else {
    port_conflict();
  }
}

void Machine::handle(const PortHolderAnswered& event) {
  if (!is_answer(event.request)) return;
  forget_requests();
  if (change_) return apply_change();
  if (phase_ == Phase::port_busy) return look_at_owner(event);
  switch (event.kind) {
    case PortHolderAnswered::Kind::held:
    case PortHolderAnswered::Kind::silent:
    case PortHolderAnswered::Kind::no_reply:
      return skip_forward(ForwardState::busy);
    case PortHolderAnswered::Kind::nobody:
      // Freed in the very moment between the two questions, or never allowed: asking once more tells.
      if (++nobody_answers_ >= 2) return mark_forward_denied();
      return ask_for_next_forward();
    case PortHolderAnswered::Kind::prohibited:
      // Where another host may have it, that is by far the likelier reason.
      return previously_held() || rules_.standby ? skip_forward(ForwardState::busy) : mark_forward_denied();
  }
}

bool Machine::is_any_open() const { return std::find(open_.begin(), open_.end(), true) != open_.end(); }

bool Machine::is_all_denied() const {
  for (std::size_t at = 0; at < refused_.size(); ++at)
    if (refused_[at] && view_.forwards[at] != ForwardState::denied) return false;
  return true;
}

/// What is open stays open: sessions may run through it.
void Machine::mark_forward_denied() {
  if (is_any_open()) return skip_forward(ForwardState::denied);
  view_.forwards[next_forward_] = ForwardState::denied;
  give_up(rules_.explain(FailureClass::forward_denied, next_forward_));
}

/// One that cannot be had keeps no other from being opened; but where another host may have the tunnel, it has all of
/// it.
void Machine::skip_forward(ForwardState state) {
  view_.forwards[next_forward_] = state;
  refused_[next_forward_] = true;
  nobody_answers_ = 0;
  if (rules_.standby) return port_conflict();
  ask_for_next_forward();
}

void Machine::begin_port_conflict() {
  next_forward_ = static_cast<std::size_t>(std::find(refused_.begin(), refused_.end(), true) - refused_.begin());
  port_conflict();
}

void Machine::turn_to_next_refused() {
  for (std::size_t step = 1; step <= refused_.size(); ++step) {
    const std::size_t at = (next_forward_ + step) % refused_.size();
    if (!refused_[at]) continue;
    next_forward_ = at;
    return;
  }
}

/// The open forwards beside a taken one were probed.
void Machine::look_at_open_ones() {
  set(Timer::probe, probe_wait());
  set(Timer::ask_again, view_.state == TunnelState::standby ? standby_wait() : ask_again_wait());
}

void Machine::handle(const KnockAnswered& event) {
  if (phase_ != Phase::port_busy) return;
  if (event.gone) stale_gone_ = true;
  if (event.why && !stale_port_diagnosis_) stale_port_diagnosis_ = event.why;
}

void Machine::handle(const TakeoverAnswered& event) {
  if (!is_answer(event.request)) return;
  forget_requests();
  if (change_) return apply_change();
  if (phase_ != Phase::port_busy) return;
  if (view_.state == TunnelState::standby) return port_conflict();
  if (event.freed) return set(Timer::ask_again, k_after_knock);
  if (event.why) {
    remember(*event.why);
    show(TunnelState::waiting, event.why->message);
  }
  port_conflict();
}

/// A knock is the gentler way, and has gone first. A command is a login of its own in the bastion's eyes: rarely, then.
bool Machine::is_takeover_due() const {
  if (!rules_.takeover || is_all_denied()) return false;
  if (took_over_ && now_ - *took_over_ < k_between_takeovers) return false;
  return stale_port_diagnosis_ || stale_gone_ || now_ - port_busy_since_ >= k_before_takeover;
}

/// The holder is, as far as we know, a session of our own that the bastion has not noticed to be dead.
bool Machine::is_own_stale() const { return previously_held() && !stale_gone_ && now_ - port_busy_since_ < k_reclaim; }

// The port is taken. A login is dear to the bastion, a question over the connection that we have is not.
void Machine::port_conflict() {
  const bool begins = phase_ != Phase::port_busy;
  if (begins) {
    phase_ = Phase::port_busy;
    port_busy_since_ = looked_at_ = now_;
    stale_gone_ = looked_closely_ = false;
    stale_port_diagnosis_.reset();
    took_over_.reset();
    owner_silences_ = 0;
    cancel(Timer::attempt);
    if (is_any_open()) set(Timer::probe, soon_probe_wait());
    plan_failback_probe();
  } else {
    turn_to_next_refused();
  }
  if (rules_.standby && !is_own_stale()) return stand_by();
  if (bastions_.size() > 1 && !is_any_open() && now_ - port_busy_since_ >= k_port_conflict_here)
    return give_up(rules_.explain(FailureClass::forward_busy, next_forward_));
  if (begins) {
    const bool denied = is_all_denied();
    Diagnosis why = rules_.explain(denied ? FailureClass::forward_denied : FailureClass::forward_busy, next_forward_);
    show(denied ? TunnelState::failed : TunnelState::waiting, why.message);
    remember(std::move(why));
  }
  if (is_all_denied()) return set(Timer::ask_again, k_shortest_slow);
  actions_.emplace_back(Knock{next_forward_});
  set(Timer::ask_again, std::exchange(knocking_, true) ? ask_again_wait() : k_after_knock);
}

// Another host has the tunnel, and that is well: nothing to complain of, nobody to knock at.
void Machine::stand_by() {
  if (view_.state != TunnelState::standby) {
    view_.last_error.reset();
    show(TunnelState::standby, rules_.explain(FailureClass::forward_busy, next_forward_).message);
  }
  set_port_held(false);  // whatever we held is gone or not ours to reclaim
  set(Timer::ask_again, standby_wait());
}

// The bastion may hold the port for a host that lost its power, and for hours: then there is something to tell.
void Machine::look_at_owner(const PortHolderAnswered& answer) {
  const bool may_be_stale = !answer.lives && (answer.kind == PortHolderAnswered::Kind::silent ||
                                              (answer.kind == PortHolderAnswered::Kind::held && !answer.why));
  const bool takes_over = is_takeover_due() && may_be_stale;
  if (is_takeover_due()) took_over_ = now_;
  if (view_.state != TunnelState::standby) {
    // The knock was of no use; a word of the holder's tells more than its silence.
    const bool lives = answer.kind == PortHolderAnswered::Kind::held && answer.why;
    if (lives || stale_port_diagnosis_) {
      remember(lives ? *answer.why : *stale_port_diagnosis_);
      show(TunnelState::waiting, view_.last_error->message);
    }
  } else if (answer.kind == PortHolderAnswered::Kind::silent) {
    if (++owner_silences_ == k_owner_silences && answer.why) remember(*answer.why);
  } else if (answer.kind == PortHolderAnswered::Kind::held) {
    owner_silences_ = 0;
    view_.last_error.reset();
  }
  if (takes_over)
    actions_.emplace_back(TakeOver{new_request(), next_forward_});
  else
    port_conflict();
}

Milliseconds Machine::standby_wait() const {
  const auto span = static_cast<double>((k_longest_standby - k_shortest_standby).count());
  const auto whole = k_shortest_standby + Milliseconds(static_cast<Milliseconds::rep>(span * chance_));
  // What the look at the owner took is not to be waited for once more.
  const auto passed = std::chrono::duration_cast<Milliseconds>(now_ - asked_at_);
  return std::max(whole - passed, k_between_asks);
}

Milliseconds Machine::ask_again_wait() const {
  if (is_all_denied()) return k_shortest_slow;
  const auto age = now_ - port_busy_since_;
  if (age < k_eager_port_conflict) return std::chrono::seconds(1);
  if (age < k_eager_port_conflict + k_patient_port_conflict) return std::chrono::seconds(5);
  return std::chrono::seconds(15);
}

}  // namespace holdfast::supervisor
