// How the machine starts with a predecessor's ssh, and how it leaves its own ssh to a successor.
#include "supervisor/machine/machine.hpp"

#include <algorithm>

namespace holdfast::supervisor {

/// Requests every forward: ssh grants an open one at once, and a new one is opened. The probe decides whether the
/// connection works. It counts as a run that was up: a failure is retried at once.
void Machine::handle(const Adopted& event) {
  if (phase_ != Phase::idle) return;
  phase_ = Phase::opening;
  attempt_.began = now_;
  attempt_.was_up = true;
  view_.bastion = std::min(event.bastion, bastions_.size() - 1);
  view_.reconnects = event.reconnects;
  view_.show(store::TunnelState::connecting, "adopting the ssh of the previous supervisor");
  set(Timer::attempt, k_attempt_limit);
  request_next_forward();
}

/// The published state stays valid: ssh keeps running.
void Machine::leave() {
  cancel_all();
  forget_request();
  unwatch_paths(0);
  end_failback_probe();
  phase_ = Phase::stopped;
  actions_.emplace_back(Quit{});
}

}  // namespace holdfast::supervisor
