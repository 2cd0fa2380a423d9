#include "supervisor/machine/view.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::TunnelState;

void ViewState::show(TunnelState new_state, std::string new_reason) {
  const bool keeps_reason = new_state == TunnelState::up || new_state == TunnelState::connecting;
  if (state == new_state && !reason.empty() && keeps_reason) return;
  state = new_state;
  reason = std::move(new_reason);
}

void ViewState::set_error(Diagnosis why) {
  last_error = std::move(why);
  ++errors;
}

void ViewState::mark_all(store::ForwardState forward_state) {
  std::fill(forwards.begin(), forwards.end(), forward_state);
}

void ViewState::clear_measurement() {
  verified = false;
  rtt_ms.reset();
}

void ViewState::show_up(const ProbeAnswered& answer) {
  verified = answer.kind == ProbeAnswered::Kind::verified;
  rtt_ms = answer.rtt_ms;
  if (!verified && answer.why && last_error != answer.why) set_error(*answer.why);
  show(TunnelState::up, verified ? "verified end to end" : "open, but not verified end to end");
}

void ViewState::show_interruption(const Diagnosis& why) {
  clear_measurement();
  if (state == TunnelState::waiting && last_error == why) return;
  set_error(why);
  show(TunnelState::waiting, why.message);
}

void ViewState::show_partial(TunnelState otherwise, std::string new_reason) {
  const bool is_any_up = std::ranges::find(forwards, store::ForwardState::up) != forwards.end();
  show(is_any_up ? TunnelState::degraded : otherwise, std::move(new_reason));
}

void ViewState::show_target_down(const Diagnosis& why) {
  clear_measurement();
  const bool is_shown = (state == TunnelState::waiting || state == TunnelState::degraded) && last_error == why;
  if (!is_shown) set_error(why);
  show_partial(TunnelState::waiting, why.message);
}

}  // namespace holdfast::supervisor
