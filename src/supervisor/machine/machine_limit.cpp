// What the machine does about a firewall that limits the rate of new connections to a bastion.
#include "supervisor/machine/machine.hpp"

#include <algorithm>

namespace holdfast::supervisor {

using store::TunnelState;

void Machine::note_limit(std::size_t bastion) {
  actions_.emplace_back(NoteLimit{bastion, bastions_[bastion].limit.no_login_before()});
}

void Machine::lift_limit(std::size_t bastion) {
  if (bastions_[bastion].limit.lift()) note_limit(bastion);
}

/// Every login passes here, so no reason to hurry exceeds the limit.
void Machine::note_login(std::size_t bastion) {
  BastionState& choice = bastions_[bastion];
  if (!choice.limit.is_on()) return;
  choice.limit.on_login_attempt(now_);
  choice.due = std::max(choice.due, now_ + choice.limit.until_login(now_));  // a trial that is ended has no answer
  note_limit(bastion);
}

/// What a watch said just before it was stopped may come later.
bool Machine::may_be_watched(std::size_t bastion) const {
  return bastion < bastions_.size() && phase_ != Phase::idle && !(is_logged_in() && bastion >= view_.bastion);
}

void Machine::handle(const PathBlocked& event) {
  if (!may_be_watched(event.bastion)) return;
  BastionState& choice = bastions_[event.bastion];
  if (!choice.limit.on_block(event.rejected, now_)) return;
  note_limit(event.bastion);
  choice.due = std::max(choice.due, now_ + k_limit_pause);
  watch_path(
      {.on = true, .gone = true, .first_look = choice.limit.until_first_bastion_probe(now_), .bastion = event.bastion});
  if (phase_ == Phase::waiting && next_ == event.bastion) wait_out_limit();
}

/// In place of an attempt at a limited bastion. Where another one is due, the machine goes there.
void Machine::wait_out_limit() {
  cancel_all();
  forget_requests();
  next_ = first_due();
  if (bastions_[next_].due <= now_) return begin_attempt(next_);  // one that is limited too is due later from then on
  phase_ = Phase::waiting;
  view_.next_attempt = bastions_[next_].due;
  if (view_.state != TunnelState::failed)
    show(TunnelState::waiting, "a firewall at the bastion limits new connections");
  set(Timer::retry, std::chrono::ceil<Milliseconds>(bastions_[next_].due - now_));
}

}  // namespace holdfast::supervisor
