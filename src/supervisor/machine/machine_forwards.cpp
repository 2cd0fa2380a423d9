// The machine's reaction to forwards that are added or removed while the tunnel runs.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::TunnelState;

// Waits until the pending request completes: before that, the machine does not know which forwards are open.
void Machine::handle(const ForwardsChanged& event) {
  change_ = event;
  if (pending_request_ == 0 || !is_logged_in()) apply_change();
}

void Machine::apply_change() {
  const ForwardsChanged change = *std::exchange(change_, std::nullopt);
  const auto was_open = attempt_.open;
  const auto states = view_.forwards;
  std::vector<std::size_t> close;
  for (std::size_t at = 0; at < was_open.size(); ++at)
    if (was_open[at] && std::ranges::find(change.from, at) == change.from.end()) close.push_back(at);
  set_forward_count(change.from.size());
  for (std::size_t at = 0; at < change.from.size(); ++at) {
    const auto from = change.from[at];
    if (!from || *from >= was_open.size() || !was_open[*from]) continue;
    attempt_.open[at] = true;
    view_.forwards[at] = states[*from];
  }
  attempt_.refusals_of_free_port = 0;
  attempt_.probes.on_answer();
  if (!is_logged_in()) {
    actions_.emplace_back(ChangeForwards{});
    return;
  }
  phase_ = Phase::opening;
  view_.verified = false;
  cancel(Timer::probe);
  cancel(Timer::forward_retry);
  set(Timer::attempt, k_attempt_limit);
  view_.show(TunnelState::connecting, "the forwards changed");
  actions_.emplace_back(ChangeForwards{new_request(), std::move(close)});
}

void Machine::handle(const ForwardsClosed& event) {
  if (!is_pending(event.request)) return;
  forget_request();
  if (change_) return apply_change();
  request_next_forward();
}

}  // namespace holdfast::supervisor
