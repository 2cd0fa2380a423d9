// The machine's reaction to timers, network changes and signals.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using store::ForwardState;
using store::TunnelState;

constexpr Milliseconds k_stuck_connect(1500);  // an attempt this old began before the path changed
constexpr int k_most_doublings = 5;

constexpr Milliseconds k_shortest_peer_wait = std::chrono::seconds(10);
constexpr Milliseconds k_longest_peer_wait = std::chrono::seconds(120);

}  // namespace

void Machine::handle(const TimerFired& event) {
  switch (event.timer) {
    case Timer::attempt:
      if (phase_ == Phase::starting || phase_ == Phase::opening || phase_ == Phase::verifying)
        give_up(rules_.explain(FailureClass::timeout, std::nullopt));
      return;
    case Timer::retry:
      if (phase_ == Phase::waiting) begin_attempt(retry_bastion_);
      return;
    case Timer::probe:
      if (phase_ != Phase::up && (phase_ != Phase::port_busy || !is_any_open())) return;
      (void)attempt_.probes.until_change_probe(now_);
      if (pending_request_ == 0) return begin_probe();
      if (phase_ == Phase::port_busy) set(Timer::probe, ProbePolicy::recheck_interval(rules_));
      return;
    case Timer::forward_retry:
      if (may_request_early()) request_or_log_in_anew();
      return;
    case Timer::failback_probe:
      return begin_failback_probe();
    case Timer::kill:
      if (phase_ != Phase::ending) return;
      actions_.emplace_back(EndChild{.by_force = true});
      set(Timer::kill, k_kill_grace);  // a process in an uninterruptible wait is killed again
      return;
  }
}

void Machine::handle(const NetworkChanged& event) {
  // Packets from an address that this machine no longer has are never sent.
  const ConnectionStatus& connection = event.connection;
  if (connection.route == os::RouteStatus::lost && is_logged_in())
    return give_up({FailureClass::dead_peer, "this machine's address changed: the connection is lost", {}});
  const bool may_be_dead = connection.route == os::RouteStatus::elsewhere || !connection.occupied;
  if (may_be_dead && phase_ == Phase::up) attempt_.probes.suspect_dead_path();
  on_path_change();
}

// Wi-Fi and DHCP take seconds after a resume. The connection may live: nobody has sent anything over it meanwhile.
void Machine::handle(const Resumed& event) {
  if (phase_ == Phase::up && event.connection.route == os::RouteStatus::none) {
    if (pending_request_ == 0) await_network();
    return;
  }
  if (phase_ != Phase::up) return on_path_change();
  if (!attempt_.probes.had_no_route() || !event.connection.occupied) attempt_.probes.suspect_dead_path();
  (void)attempt_.probes.until_change_probe(now_);
  if (pending_request_ == 0) begin_probe();
}

/// NetworkChanged reports the network's return. The kernel ends the connection after two minutes (os::k_flow_limit).
void Machine::await_network() {
  attempt_.probes.on_no_route();
  show_interruption(FailureClass::unreachable, ProbePolicy::recheck_interval(rules_));
}

/// FlowChanged reports the path's return, and FlowDead that it returned without this connection.
void Machine::await_path(Milliseconds recheck) {
  attempt_.probes.on_silent_path();
  show_interruption(FailureClass::dead_peer, recheck);
}

void Machine::show_interruption(FailureClass why, Milliseconds recheck) {
  set(Timer::probe, recheck);
  if (phase_ == Phase::port_busy) return set(Timer::forward_retry, forward_retry_wait());
  view_.show_interruption(rules_.explain(why, std::nullopt));
}

void Machine::note_silent_flow() {
  if (!attempt_.silent_since) attempt_.silent_since = now_;
}

/// What the peer sent in an outage it sends again only after up to twice the outage's length: RFC 6298, 5.5. Linux
/// waits two minutes at most.
void Machine::handle(const FlowChanged& event) {
  if (!is_logged_in()) return;
  const ConnectionStatus& connection = event.connection;
  if (connection.flow == ConnectionStatus::Flow::silent) {
    note_silent_flow();
    // TCP's next retransmission may be a minute away.
    if (event.path_returned && !connection.occupied && phase_ == Phase::up) attempt_.probes.suspect_dead_path();
  } else if (const auto since = std::exchange(attempt_.silent_since, std::nullopt)) {
    const auto outage = std::chrono::duration_cast<Milliseconds>(now_ - *since);
    attempt_.peer_due = now_ + std::clamp(outage, k_shortest_peer_wait, k_longest_peer_wait);
    if (!connection.occupied && phase_ == Phase::up) attempt_.probes.suspect_dead_path();
  }
  if (phase_ == Phase::up && pending_request_ == 0) return begin_probe();
  if (phase_ == Phase::port_busy && is_any_open()) set(Timer::probe, k_first_probe_in_conflict);
}

void Machine::handle(const FlowDead&) {
  if (is_logged_in()) give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
}

/// The reason for a pending wait may be gone: act now instead of when the timer fires.
void Machine::on_path_change() {
  if (phase_ == Phase::up && pending_request_ == 0) return probe_after_change();
  if (may_request_early()) return request_forward_again();
  if (phase_ == Phase::waiting) return retry_early();
  if (phase_ == Phase::starting) restart_stuck_attempt(EarlyReason::change);
}

void Machine::probe_after_change() {
  const Milliseconds wait = attempt_.probes.until_change_probe(now_);
  if (wait > Milliseconds{0} && !attempt_.probes.had_no_route()) return set(Timer::probe, wait);
  begin_probe();
}

/// A new attempt connects sooner than TCP retransmits on a path that was dead. Each one in a row gets twice the time,
/// so that a login comes through while the network changes again and again.
void Machine::restart_stuck_attempt(EarlyReason reason) {
  if (bastions_[view_.bastion].limit.until_login(now_) > Milliseconds{0}) return;  // a new attempt would have to wait
  if (now_ - attempt_.began < k_stuck_connect * (1 << std::min(stuck_attempts_, k_most_doublings))) return;
  if (!backoff().allows_early(Urgency::soon, now_, reason)) return;
  ++stuck_attempts_;
  attempt_.next_bastion = view_.bastion;
  end_child();
}

void Machine::handle(const ProbeRequested&) {
  if (phase_ == Phase::up && pending_request_ == 0) return begin_probe();
  if (may_request_early()) return request_forward_again();
  if (phase_ == Phase::waiting && bastions_[0].backoff.allows_early(Urgency::soon, now_)) begin_attempt(0);
}

void Machine::handle(const Reloaded& event) {
  change_.reset();
  end_failback_probe();
  bastions_.resize(std::max(event.bastions, std::size_t{1}));
  if (event.other_bastions)
    for (BastionState& bastion : bastions_) {
      bastion.limit = {};
      bastion.crowd = {};
    }
  view_.bastion = std::min(view_.bastion, bastions_.size() - 1);
  set_forward_count(event.forwards);
  if (stopping_) return;
  view_.show(TunnelState::connecting, "the tunnel file changed");
  if (!has_child()) return begin_attempt(0);
  attempt_.next_bastion = 0;
  end_child();
}

void Machine::handle(const StopRequested& event) {
  if (stopping_) return;
  stopping_ = true;
  if (event.leave_child && is_logged_in()) return leave();
  if (!has_child()) return stop();
  attempt_.cause.reset();
  end_child();
}

void Machine::stop() {
  cancel_all();
  forget_request();
  unwatch_paths(0);
  end_failback_probe();
  phase_ = Phase::stopped;
  view_.next_attempt.reset();
  view_.mark_all(ForwardState::down);
  view_.show(TunnelState::stopped, "stopped");
  actions_.emplace_back(Quit{});
}

}  // namespace holdfast::supervisor
