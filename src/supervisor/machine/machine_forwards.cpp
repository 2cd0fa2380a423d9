// What the machine does about forwards that come and go while the tunnel runs.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::ForwardState;
using store::TunnelState;

bool Machine::is_logged_in() const noexcept {
  return phase_ == Phase::opening || phase_ == Phase::port_busy || phase_ == Phase::verifying || phase_ == Phase::up;
}

// What is under way is about the forwards as they are: its answer is waited for, so that it is known what is open.
void Machine::handle(const ForwardsChanged& event) {
  change_ = event;
  if (awaited_ == 0 || !is_logged_in()) apply_change();
}

void Machine::apply_change() {
  const ForwardsChanged change = *std::exchange(change_, std::nullopt);
  std::vector<std::size_t> close;
  for (std::size_t at = 0; at < open_.size(); ++at)
    if (open_[at] && std::find(change.from.begin(), change.from.end(), at) == change.from.end()) close.push_back(at);
  const auto was_open = std::exchange(open_, std::vector<bool>(change.from.size()));
  const auto states =
      std::exchange(view_.forwards, std::vector<ForwardState>(change.from.size(), ForwardState::pending));
  refused_.assign(change.from.size(), false);
  for (std::size_t at = 0; at < change.from.size(); ++at) {
    if (!change.from[at] || *change.from[at] >= was_open.size() || !was_open[*change.from[at]]) continue;
    open_[at] = true;
    view_.forwards[at] = states[*change.from[at]];
  }
  nobody_answers_ = 0;
  silences_ = 0;
  knocking_ = false;
  if (!is_logged_in()) {
    actions_.emplace_back(ChangeForwards{});
    return;
  }
  phase_ = Phase::opening;
  view_.verified = false;
  cancel(Timer::probe);
  cancel(Timer::ask_again);
  set(Timer::attempt, k_attempt_limit);
  show(TunnelState::connecting, "the forwards changed");
  actions_.emplace_back(ChangeForwards{new_request(), std::move(close)});
}

void Machine::handle(const ForwardsClosed& event) {
  if (!is_answer(event.request)) return;
  forget_requests();
  if (change_) return apply_change();
  ask_for_next_forward();
}

}  // namespace holdfast::supervisor
