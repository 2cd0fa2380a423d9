#include "tunnels/command_tunnel/port_choice.hpp"

namespace holdfast::tunnels {
namespace {

using std::chrono::milliseconds;
using store::ForwardState;

// A request over the same connection costs little, a login more.
constexpr milliseconds k_after_denial(1000);
// After each port of the range was refused.
constexpr milliseconds k_after_busy_round(10'000);
constexpr milliseconds k_after_denied_round(60'000);

bool is_granted(const supervisor::View& view) {
  if (view.forwards.front() == ForwardState::up) return true;
  return view.forwards.front() == ForwardState::down && view.last_error &&
         view.last_error->failure == FailureClass::target_down;
}

}  // namespace

std::optional<PortChoice::Next> PortChoice::on_view(const supervisor::View& view) {
  if (view.forwards.empty() || range_.is_single()) return std::nullopt;
  const auto state = view.forwards.front();
  if (step_ == Step::applying && state == ForwardState::pending) step_ = Step::requesting;
  if (step_ != Step::requesting) return std::nullopt;
  if (is_granted(view)) step_ = Step::settled;
  const bool denied = state == ForwardState::denied;
  if (step_ == Step::settled || (!denied && state != ForwardState::busy)) return std::nullopt;
  const bool is_round_over = port_ == range_.last();
  port_ = range_.after(port_);
  step_ = Step::waiting;
  if (denied) return Next{port_, is_round_over ? k_after_denied_round : k_after_denial, true};
  return Next{port_, is_round_over ? k_after_busy_round : milliseconds(0), false};
}

}  // namespace holdfast::tunnels
