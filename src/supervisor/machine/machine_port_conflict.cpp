// The machine's reaction to a busy port. This tunnel's stale session may hold it, another process, or another host that
// runs the same tunnel.
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

using store::ForwardState;
using store::TunnelState;
using Holder = PortHolderAnswered::Kind;

// How often a busy port is requested again, by the age of the conflict. A request over the present connection costs the
// bastion little, a login much.
constexpr Milliseconds k_first_period = std::chrono::minutes(3);
constexpr Milliseconds k_second_period = std::chrono::minutes(15);
constexpr int k_holder_silence_limit = 2;

}  // namespace

// --- a refused forward

void Machine::request_forward_again() {
  cancel(Timer::forward_retry);
  request_forward(attempt_.next_forward);
}

/// A new login frees ssh's records of refused requests, and sshd reads its configuration again. Without an open forward
/// it costs nobody a session.
void Machine::request_or_log_in_anew() {
  if (attempt_.refusals < k_most_refusals || is_any_open()) return request_forward_again();
  attempt_.cause.reset();
  attempt_.next_bastion = view_.bastion;
  end_child();
}

bool Machine::may_request_early() const {
  return phase_ == Phase::port_busy && pending_request_ == 0 &&
         (view_.state != TunnelState::standby || now_ - attempt_.requested_at >= k_between_standby_requests);
}

void Machine::on_refusal() {
  if (phase_ != Phase::port_busy) return find_port_holder(false);
  bool probes_target = false;
  if (view_.state == TunnelState::standby) {
    probes_target = now_ - conflict_.holder_probed_at >= rules_.probe_interval;
    if (probes_target) conflict_.holder_probed_at = now_;
  } else {
    probes_target =
        is_takeover_due() || (conflict_.knock_failure && !conflict_.probed_target) || is_prohibition_unclear();
    conflict_.probed_target |= probes_target;
    if (probes_target) conflict_.holder_probed_at = now_;
  }
  if (probes_target) return find_port_holder(true);
  continue_port_conflict();
}

void Machine::find_port_holder(bool await_target) {
  actions_.emplace_back(FindPortHolder{new_request(), attempt_.next_forward, await_target});
}

void Machine::handle(const PortHolderAnswered& event) {
  if (!is_pending(event.request)) return;
  forget_request();
  if (change_) return apply_change();
  if (phase_ == Phase::port_busy) return resolve_port_conflict(event);
  switch (event.kind) {
    case Holder::held:
    case Holder::silent:
    case Holder::no_reply:
      return skip_forward(ForwardState::busy);
    case Holder::free:
      // The port was released between the two requests, or the forward is forbidden: a second request shows which.
      if (++attempt_.refusals_of_free_port >= 2) return mark_forward_denied();
      return request_next_forward();
    case Holder::prohibited:
      // A port that was held before, or that another host may hold, is more likely busy than forbidden.
      ++attempt_.prohibitions;
      return previously_held() || rules_.standby ? skip_forward(ForwardState::busy) : mark_forward_denied();
  }
}

/// With host = any a standby may wait for months. A key that forbids every probe forbids this one, too.
bool Machine::is_prohibition_unclear() const {
  return attempt_.prohibitions > 0 && !rules_.standby && !is_probe_forbidden_ && !is_all_denied() &&
         now_ - conflict_.holder_probed_at >= k_between_prohibitions;
}

bool Machine::is_any_open() const { return std::ranges::find(attempt_.open, true) != attempt_.open.end(); }

bool Machine::is_all_denied() const {
  for (std::size_t at = 0; at < attempt_.refused.size(); ++at)
    if (attempt_.refused[at] && view_.forwards[at] != ForwardState::denied) return false;
  return true;
}

/// Keeps the connection while another forward is open: sessions may run through it.
void Machine::mark_forward_denied() {
  if (is_any_open()) return skip_forward(ForwardState::denied);
  set_port_held(false);
  view_.forwards[attempt_.next_forward] = ForwardState::denied;
  give_up(rules_.explain(FailureClass::forward_denied, attempt_.next_forward));
}

/// A refused forward does not keep the others from being opened. With host = any it does: one host has all of a tunnel.
void Machine::skip_forward(ForwardState state) {
  view_.forwards[attempt_.next_forward] = state;
  attempt_.refused[attempt_.next_forward] = true;
  attempt_.refusals_of_free_port = 0;
  if (rules_.standby) return begin_port_conflict();
  request_next_forward();
}

void Machine::select_next_refused() {
  const std::size_t count = attempt_.refused.size();
  for (std::size_t step = 1; step <= count; ++step) {
    const std::size_t at = (attempt_.next_forward + step) % count;
    if (!attempt_.refused[at]) continue;
    attempt_.next_forward = at;
    return;
  }
}

// --- the conflict

void Machine::begin_port_conflict() {
  phase_ = Phase::port_busy;
  conflict_ = {};
  conflict_.since = conflict_.holder_probed_at = now_;
  cancel(Timer::attempt);
  if (is_any_open()) set(Timer::probe, k_first_probe_in_conflict);  // which of the open ones work
  plan_failback_probe();
  if (rules_.standby && !is_own_stale()) return stand_by();
  Diagnosis why = rules_.explain(is_all_denied() ? FailureClass::forward_denied : FailureClass::forward_busy,
                                 attempt_.next_forward);
  show_port_conflict(why.message);
  view_.set_error(std::move(why));
  knock();
}

/// A standby stays one: one host has all forwards of a tunnel.
void Machine::show_port_conflict(std::string reason) {
  if (view_.state == TunnelState::standby) return;
  view_.show_partial(is_all_denied() ? TunnelState::failed : TunnelState::waiting, std::move(reason));
}

void Machine::continue_port_conflict() {
  select_next_refused();
  if (rules_.standby && !is_own_stale()) return stand_by();
  if (bastions_.size() > 1 && !is_any_open() && now_ - conflict_.since >= k_port_conflict_limit)
    return give_up(rules_.explain(FailureClass::forward_busy, attempt_.next_forward));
  knock();
}

void Machine::knock() {
  if (is_all_denied()) return set(Timer::forward_retry, k_shortest_slow);
  actions_.emplace_back(Knock{attempt_.next_forward});
  set(Timer::forward_retry, std::exchange(conflict_.knocked, true) ? forward_retry_wait() : k_after_knock);
}

void Machine::handle(const KnockAnswered& event) {
  if (phase_ != Phase::port_busy) return;
  if (event.session_gone) conflict_.session_gone = true;
  if (event.why && !conflict_.knock_failure) conflict_.knock_failure = event.why;
}

Milliseconds Machine::forward_retry_wait() const {
  if (view_.state == TunnelState::standby) return standby_wait();
  if (is_all_denied()) return k_shortest_slow;
  const auto age = now_ - conflict_.since;
  if (age < k_first_period) return std::chrono::seconds(1);
  if (age < k_first_period + k_second_period) return std::chrono::seconds(5);
  return std::chrono::seconds(15);
}

bool Machine::previously_held() const {
  return view_.bastion < rules_.previously_held.size() && rules_.previously_held[view_.bastion];
}

void Machine::set_port_held(bool held) {
  rules_.previously_held.resize(std::max(rules_.previously_held.size(), bastions_.size()));
  rules_.previously_held[view_.bastion] = held;
}

/// As far as this host knows, its own stale session holds the port: the bastion has not noticed that it is dead.
bool Machine::is_own_stale() const {
  return previously_held() && !conflict_.session_gone && now_ - conflict_.since < k_reclaim;
}

void Machine::resolve_port_conflict(const PortHolderAnswered& answer) {
  const bool is_prohibited = answer.kind == Holder::prohibited && !rules_.standby && !is_probe_forbidden_;
  if (is_prohibited && ++attempt_.prohibitions >= k_prohibition_limit) return mark_forward_denied();
  const bool takeover_due = is_takeover_due();
  if (takeover_due) conflict_.takeover_considered_at = now_;
  report_port_holder(answer);
  const bool may_be_stale =
      !answer.responds && (answer.kind == Holder::silent || (answer.kind == Holder::held && !answer.why));
  if (!takeover_due || !may_be_stale) return continue_port_conflict();
  actions_.emplace_back(TakeOver{new_request(), attempt_.next_forward});
}

void Machine::report_port_holder(const PortHolderAnswered& answer) {
  if (view_.state != TunnelState::standby) {
    // The holder's banner explains more than the failed knock.
    const bool is_explained = answer.kind == Holder::held && answer.why;
    if (!is_explained && !conflict_.knock_failure) return;
    view_.set_error(is_explained ? *answer.why : *conflict_.knock_failure);
    return show_port_conflict(view_.last_error->message);
  }
  if (answer.kind == Holder::silent) {
    // The bastion may hold the port for hours for a host that lost its power.
    if (++conflict_.holder_silences == k_holder_silence_limit && answer.why) view_.set_error(*answer.why);
  } else if (answer.kind == Holder::held) {
    conflict_.holder_silences = 0;
    view_.last_error.reset();
  }
}

// --- takeover

/// A knock comes first. The bastion may count a command like a login, so takeovers are rare.
bool Machine::is_takeover_due() const {
  if (!rules_.takeover || is_all_denied()) return false;
  const auto& last = conflict_.takeover_considered_at;
  if (last && now_ - *last < k_between_takeovers) return false;
  return conflict_.knock_failure || conflict_.session_gone || now_ - conflict_.since >= k_before_takeover;
}

void Machine::handle(const TakeoverAnswered& event) {
  if (!is_pending(event.request)) return;
  forget_request();
  if (change_) return apply_change();
  if (phase_ != Phase::port_busy) return;
  if (view_.state == TunnelState::standby) return continue_port_conflict();
  if (event.freed) return set(Timer::forward_retry, k_after_knock);
  if (event.why) {
    view_.set_error(*event.why);
    show_port_conflict(event.why->message);
  }
  continue_port_conflict();
}

// --- standby

// Another host has the tunnel, as intended: no error, and no knock.
void Machine::stand_by() {
  if (view_.state != TunnelState::standby) {
    view_.last_error.reset();
    view_.show(TunnelState::standby, rules_.explain(FailureClass::forward_busy, attempt_.next_forward).message);
  }
  set_port_held(false);  // this host's old session is gone, or must not be freed
  set(Timer::forward_retry, standby_wait());
}

Milliseconds Machine::standby_wait() const {
  const auto range = static_cast<double>((k_longest_standby - k_shortest_standby).count());
  const auto whole = k_shortest_standby + Milliseconds(static_cast<Milliseconds::rep>(range * chance_));
  // The time that FindPortHolder took is part of the wait.
  const auto passed = std::chrono::duration_cast<Milliseconds>(now_ - attempt_.requested_at);
  return std::max(whole - passed, k_between_standby_requests);
}

}  // namespace holdfast::supervisor
