// The machine's reaction to a firewall that limits the rate of new connections to a bastion.
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

/// Called for every login, so that no early retry exceeds the limit.
void Machine::note_login(std::size_t bastion) {
  BastionState& state = bastions_[bastion];
  if (!state.limit.is_on()) return;
  state.limit.on_login_attempt(now_);
  state.due = std::max(state.due, now_ + state.limit.until_login(now_));  // a cancelled failback probe has no answer
  note_limit(bastion);
}

/// False for the late event of a watch that was stopped.
bool Machine::may_be_watched(std::size_t bastion) const {
  return bastion < bastions_.size() && phase_ != Phase::idle && !(is_logged_in() && bastion >= view_.bastion);
}

void Machine::handle(const PathBlocked& event) {
  if (!may_be_watched(event.bastion)) return;
  BastionState& state = bastions_[event.bastion];
  if (!state.limit.on_block(event.rejected, now_)) return;
  note_limit(event.bastion);
  state.due = std::max(state.due, now_ + k_limit_pause);
  watch_path({.on = true,
              .seen_down = true,
              .first_probe = state.limit.until_first_bastion_probe(now_),
              .spread = spread_period(),
              .bastion = event.bastion});
  if (phase_ == Phase::waiting && retry_bastion_ == event.bastion)
    wait_for_limit("a firewall at the bastion limits new connections");
}

/// A bastion counts the refused logins of a whole machine.
bool Machine::waits_for_other_logins(std::size_t bastion) {
  BastionState& state = bastions_[bastion];
  if (!rules_.until_login) return false;
  const Milliseconds wait = rules_.until_login(bastion, state.urgency == Urgency::manual);
  if (wait <= Milliseconds{0}) return false;
  state.due = now_ + wait;
  return true;
}

/// Instead of an attempt at a limited bastion. Goes to another bastion that is due.
void Machine::wait_for_limit(std::string_view reason) {
  cancel_all();
  forget_request();
  retry_bastion_ = first_due();
  // Ends the recursion: begin_attempt() moves the due time of a bastion that is limited, too.
  if (bastions_[retry_bastion_].due <= now_) return begin_attempt(retry_bastion_);
  phase_ = Phase::waiting;
  view_.next_attempt = bastions_[retry_bastion_].due;
  if (view_.state != TunnelState::failed) view_.show(TunnelState::waiting, std::string(reason));
  set(Timer::retry, std::chrono::ceil<Milliseconds>(bastions_[retry_bastion_].due - now_));
}

}  // namespace holdfast::supervisor
