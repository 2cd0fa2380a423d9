// One ssh, two supervisors: what the machine does when it begins with the ssh of another, and when it leaves its own.
#include "supervisor/machine/machine.hpp"

namespace holdfast::supervisor {

/// A forward that stands is granted once more in a moment; one that is new since is asked for. Then it is probed like
/// any other run, and a run that fails the probe is one that was up: tried anew at once.
void Machine::handle(const Adopted& event) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::opening;
  attempt_began_ = now_;
  view_.bastion = std::min(event.bastion, bastions_.size() - 1);
  was_verified_ = true;
  view_.reconnects = event.reconnects;
  show(store::TunnelState::connecting, "taking over the ssh of a former supervisor");
  set(Timer::attempt, k_attempt_limit);
  ask_for_next_forward();
}

/// Nothing of what is told of the tunnel becomes untrue by that we go.
void Machine::leave() {
  cancel_all();
  forget_requests();
  leave_paths(0);
  end_failback_probe();
  phase_ = Phase::stopped;
  actions_.emplace_back(Quit{});
}

}  // namespace holdfast::supervisor
