// What the machine learns about the other tunnels of its bastions, and how long its own logins are spread.
#include "supervisor/machine/machine.hpp"

#include <algorithm>

namespace holdfast::supervisor {

void Machine::restore_crowds() {
  for (std::size_t at = 0; at < std::min(bastions_.size(), rules_.known_crowds.size()); ++at)
    if (const auto& forgotten_at = rules_.known_crowds[at]) bastions_[at].crowd.restore(*forgotten_at);
}

/// After a failed login or a lost connection. A fleet that lost one bastion arrives together at the next one, too.
void Machine::look_for_crowd(std::size_t bastion, FailureClass failure, DropScope drop_scope) {
  if (drop_scope == DropScope::remote) {
    for (BastionState& state : bastions_) state.crowd.on_shared_drop();
  } else if (failure == FailureClass::refused) {
    bastions_[bastion].crowd.on_refused();
  } else if (failure == FailureClass::closed && drop_scope == DropScope::none) {
    if (bastions_[bastion].crowd.on_closed(now_)) note_crowd(bastion);
  }
}

/// A crowd at one bastion is a crowd at each bastion of this tunnel.
Milliseconds Machine::spread_period() const {
  const auto is_crowded = [this](const BastionState& state) { return state.crowd.is_known(now_); };
  return std::ranges::any_of(bastions_, is_crowded) ? k_careful_spread : rules_.first_spread;
}

RetrySpread Machine::spread(std::size_t bastion) const {
  RetrySpread spread = rules_.spread ? rules_.spread(bastion) : RetrySpread{};
  spread.period = spread_period();
  spread.was_first_login = bastions_[bastion].crowd.is_first_login();
  return spread;
}

}  // namespace holdfast::supervisor
