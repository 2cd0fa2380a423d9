// What reaches the machine from outside its attempt: timers, tidings of the network, signals.
#include "supervisor/machine/machine.hpp"

namespace holdfast::supervisor {
namespace {

using store::ForwardState;
using store::TunnelState;

constexpr Milliseconds k_stuck_connect(1500);  // an attempt this old began on a dead path

}  // namespace

/// The attempt under way began on a path that is gone: a fresh one is quicker than TCP's patience.
void Machine::restart_attempt() {
  if (bastions_[view_.bastion].limit.until_login(now_) > Milliseconds{0}) return;  // another would have to wait
  if (now_ - attempt_began_ < k_stuck_connect || !backoff().allows_early(Urgency::soon, now_)) return;
  restarting_ = true;
  end_child();
}

void Machine::handle(const TimerFired& event) {
  switch (event.timer) {
    case Timer::attempt:
      if (phase_ == Phase::starting || phase_ == Phase::opening || phase_ == Phase::verifying)
        give_up(rules_.explain(FailureClass::timeout, std::nullopt));
      return;
    case Timer::retry:
      if (phase_ == Phase::waiting) begin_attempt(next_);
      return;
    case Timer::probe:
      if (phase_ != Phase::up && (phase_ != Phase::port_busy || !is_any_open())) return;
      if (awaited_ == 0) return begin_probe();
      if (phase_ == Phase::port_busy) set(Timer::probe, soon_probe_wait());  // a taken port is being asked for
      return;
    case Timer::ask_again:
      if (may_ask_early()) ask_again();
      return;
    case Timer::failback_probe:
      return begin_failback_probe();
    case Timer::kill:
      if (phase_ != Phase::ending) return;
      actions_.emplace_back(EndChild{.by_force = true});
      set(Timer::kill, k_kill_grace);  // a process in an uninterruptible wait is asked again
      return;
  }
}

void Machine::handle(const NetworkGained& event) {
  // An address that is not ours any more can neither send nor hear: there is nothing to be found out by waiting.
  if (event.way == NetworkGained::Way::lost && is_logged_in())
    return give_up(
        {FailureClass::dead_peer, "this machine has another address now: the connection ended with the former", {}});
  woke_ = woke_ || (event.way == NetworkGained::Way::elsewhere && phase_ == Phase::up);
  look_now();
}

void Machine::handle(const Woke&) {
  woke_ = phase_ == Phase::up;
  look_now();
}

// Something happened to the path: what waits for a timer need not wait.
void Machine::look_now() {
  if (phase_ == Phase::up && awaited_ == 0) return begin_probe();
  if (may_ask_early()) return ask_again();
  if (phase_ == Phase::waiting) return retry_early();
  if (phase_ == Phase::starting) restart_attempt();
}

void Machine::handle(const ProbeRequested&) {
  if (phase_ == Phase::up && awaited_ == 0) return begin_probe();
  if (may_ask_early()) return ask_again();
  if (phase_ == Phase::waiting && bastions_[0].backoff.allows_early(Urgency::soon, now_)) begin_attempt(0);
}

void Machine::handle(const Reloaded& event) {
  change_.reset();
  end_failback_probe();
  bastions_.resize(std::max(event.bastions, std::size_t{1}));
  if (event.other_bastions)
    for (BastionState& choice : bastions_) choice.limit = {};
  view_.bastion = std::min(view_.bastion, bastions_.size() - 1);
  view_.forwards.assign(event.forwards, ForwardState::pending);
  open_.assign(event.forwards, false);
  refused_ = open_;
  if (stopping_) return;
  show(TunnelState::connecting, "the tunnel file changed");
  if (!has_child()) return begin_attempt(0);
  reloading_ = true;
  end_child();
}

void Machine::handle(const StopAsked& event) {
  if (stopping_) return;
  stopping_ = true;
  if (event.leave_child && is_logged_in()) return leave();
  if (!has_child()) return stop();
  cause_.reset();
  end_child();
}

void Machine::stop() {
  cancel_all();
  forget_requests();
  leave_paths(0);
  end_failback_probe();
  phase_ = Phase::stopped;
  view_.next_attempt.reset();
  mark_all(ForwardState::down);
  show(TunnelState::stopped, "stopped");
  actions_.emplace_back(Quit{});
}

}  // namespace holdfast::supervisor
