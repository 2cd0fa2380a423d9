#include "supervisor/autossh/machine.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace holdfast::supervisor::autossh {
namespace {

using store::ForwardState;
using store::TunnelState;

constexpr Milliseconds k_after_silence{250};
constexpr Milliseconds k_end_grace = std::chrono::seconds(2);  // from SIGTERM to SIGKILL

}  // namespace

std::string_view to_text(Phase phase) noexcept {
  constexpr std::array<std::string_view, 8> k_texts{"idle",      "resting", "between", "starting",
                                                    "verifying", "up",      "ending",  "stopped"};
  return k_texts.at(static_cast<std::size_t>(phase));
}

Machine::Machine(Rules rules) : rules_(std::move(rules)) {
  view_.forwards.assign(rules_.forwards, ForwardState::pending);
}

Actions Machine::on(const Event& event, TimePoint now, double chance) {
  now_ = now;
  chance_ = chance;
  actions_.clear();
  if (phase_ != Phase::stopped) std::visit([this](const auto& one) { handle(one); }, event);
  return std::exchange(actions_, {});
}

// --- autossh

void Machine::handle(const Started&) {
  if (phase_ == Phase::idle) start_autossh();
}

void Machine::start_autossh() {
  cancel_all();
  phase_ = Phase::between;
  reloading_ = sleeping_ = run_.was_up = false;
  view_.next_attempt.reset();
  // A failure that needs manual action stays visible during its slow retries.
  if (view_.state != TunnelState::failed) view_.show(TunnelState::connecting, "connecting");
  actions_.emplace_back(StartChild{});
  set(Timer::attempt, k_attempt_limit);
}

void Machine::handle(const ChildFailedToStart& event) {
  if (phase_ != Phase::between && phase_ != Phase::ending) return;
  view_.set_error(event.why);
  cause_ = event.why;
  if (stopping_) return stop();
  if (reloading_) return start_autossh();
  rest();
}

void Machine::handle(const ChildExited& event) {
  if (phase_ == Phase::idle || phase_ == Phase::resting) return;
  // When autossh's log reported the end of its ssh, that end is already explained.
  const bool unexplained = has_ssh() || !cause_;
  end_run();
  if (stopping_) return stop();
  if (reloading_) return start_autossh();
  if (unexplained) {
    cause_ = event.why ? *event.why : ssh::explain_silent_end("autossh", event.end);
    view_.set_error(*cause_);
  }
  rest();
}

void Machine::rest() {
  cancel_all();
  phase_ = Phase::resting;
  const Diagnosis why = cause_.value_or(Diagnosis{FailureClass::unknown, "autossh ended", {}});
  const auto drop_scope = run_.was_up ? DropScope::local : DropScope::none;
  const Milliseconds wait = std::max(backoff_.after(why.retry_class(), drop_scope, now_, chance_), until_login());
  if (wait == Milliseconds{0}) return start_autossh();
  show_failure(why);
  view_.next_attempt = now_ + wait;
  set(Timer::retry, wait);
}

void Machine::end_autossh() {
  if (phase_ == Phase::ending) return;
  cancel_all();
  pending_request_ = 0;
  phase_ = Phase::ending;
  view_.clear_measurement();
  if (stopping_) view_.show(TunnelState::stopped, "stopped");
  actions_.emplace_back(EndChild{});
  set(Timer::kill, k_end_grace);
}

// --- its ssh

bool Machine::has_ssh() const noexcept {
  return phase_ == Phase::starting || phase_ == Phase::verifying || phase_ == Phase::up;
}

void Machine::handle(const SshStarted&) {
  if (phase_ != Phase::between && !has_ssh()) return;
  end_run();
  phase_ = Phase::starting;
  run_ = {};
  sleeping_ = false;
  cause_.reset();
  view_.next_attempt.reset();
  view_.mark_all(ForwardState::pending);
  if (view_.state != TunnelState::failed) view_.show(TunnelState::connecting, "connecting");
  set(Timer::attempt, k_attempt_limit);
}

void Machine::handle(const Sleeping& event) {
  if (phase_ != Phase::between) return;
  sleeping_ = true;
  cancel(Timer::kill);  // there is no ssh to kill
  set(Timer::attempt, event.wait + k_attempt_limit);
  view_.next_attempt = now_ + event.wait;
  if (view_.state == TunnelState::connecting && cause_) show_failure(*cause_);
}

void Machine::handle(const ControlReady&) {
  if (phase_ != Phase::starting) return;
  phase_ = Phase::verifying;
  // The bastion replies in order: it answers the requests for the forwards before the probe.
  begin_probe();
}

void Machine::handle(const SshEnded& event) {
  if (!has_ssh() && phase_ != Phase::between) return;
  const bool was_expected = phase_ == Phase::between;
  end_run();
  phase_ = Phase::between;
  set(Timer::attempt, k_attempt_limit);
  if (was_expected) return;
  cause_ = event.why ? *event.why : ssh::explain_silent_end("ssh", event.end);
  view_.set_error(*cause_);
  if (run_.was_up && urgency_of(cause_->retry_class()) != Urgency::manual)
    view_.show(TunnelState::connecting, cause_->message);
  else
    show_failure(*cause_);
  if (cause_->failure == FailureClass::forward_busy) view_.mark_all(ForwardState::busy);
  // autossh starts its next ssh at once, and a bastion bans after a few refused logins.
  if (cause_->retry_class() == FailureClass::auth || until_login() > Milliseconds{0}) end_autossh();
}

/// A bastion counts the refused logins of all tunnels of this machine.
Milliseconds Machine::until_login() const {
  if (!rules_.until_login) return Milliseconds{0};
  return rules_.until_login(0, cause_ && cause_->retry_class() == FailureClass::auth);
}

void Machine::end_run() {
  if (phase_ == Phase::up && now_ - run_.up_since >= k_healthy_run) backoff_.reset();
  cancel_all();
  pending_request_ = 0;
  run_.probes.on_answer();
  view_.clear_measurement();
  view_.mark_all(ForwardState::down);
  if (run_.was_up && !std::exchange(run_.counted, true)) ++view_.reconnects;
}

// autossh watches only its child process. A dead connection is found by the probe, as autossh's monitoring port would.
void Machine::give_up(Diagnosis why) {
  view_.set_error(why);
  view_.show(TunnelState::connecting, why.message);
  end_run();
  cause_ = std::move(why);
  phase_ = Phase::between;
  actions_.emplace_back(RestartSsh{});
  set(Timer::attempt, k_attempt_limit);
  set(Timer::kill, k_end_grace);
}

// autossh's log is the only source for its ssh. An autossh that cannot write it is replaced.
void Machine::on_missing_log() {
  cause_ = Diagnosis{FailureClass::unknown, "autossh did not log the start of ssh within 60 s",
                     "check for a full disk; autossh's last messages: holdfast logs"};
  view_.set_error(*cause_);
  show_failure(*cause_);
  end_autossh();
}

// --- probes

void Machine::begin_probe() {
  cancel(Timer::probe);
  pending_request_ = ++last_request_;
  std::vector<std::size_t> all(view_.forwards.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  actions_.emplace_back(Probe{pending_request_, std::move(all), run_.probes.timeout(rules_, view_.rtt_ms)});
}

void Machine::handle(const ProbeAnswered& event) {
  if (event.request != pending_request_ || pending_request_ == 0) return;
  pending_request_ = 0;
  if (event.kind == ProbeAnswered::Kind::silent && event.connection.route == os::RouteStatus::none) {
    run_.probes.on_no_route();
    if (phase_ == Phase::up) view_.show_interruption(rules_.explain(FailureClass::unreachable, std::nullopt));
    return set(Timer::probe, ProbePolicy::recheck_interval(rules_));
  }
  if (event.kind == ProbeAnswered::Kind::silent) {
    if (run_.probes.on_silent_probe(rules_)) return give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
    return set(Timer::probe, k_after_silence);  // if ssh has just exited, autossh's log reports it until then
  }
  run_.probes.on_answer();
  for (std::size_t at = 0; at < std::min(view_.forwards.size(), event.forwards.size()); ++at)
    view_.forwards[at] = event.forwards[at];
  if (event.kind == ProbeAnswered::Kind::lost)
    return give_up(event.why ? *event.why : rules_.explain(FailureClass::closed, std::nullopt));
  if (phase_ != Phase::up) run_.up_since = now_;
  phase_ = Phase::up;
  run_.was_up = true;
  cancel(Timer::attempt);
  if (event.kind == ProbeAnswered::Kind::target_down) {
    view_.show_target_down(event.why ? *event.why : rules_.explain(FailureClass::target_down, std::nullopt));
    return set(Timer::probe, ProbePolicy::recheck_interval(rules_));
  }
  view_.show_up(event);
  set(Timer::probe, ProbePolicy::interval_after(event, rules_, chance_));
}

// --- external events

void Machine::handle(const TimerFired& event) {
  switch (event.timer) {
    case Timer::attempt:
      if (phase_ == Phase::between) return on_missing_log();
      if (phase_ == Phase::starting || phase_ == Phase::verifying)
        give_up(rules_.explain(FailureClass::timeout, std::nullopt));
      return;
    case Timer::retry:
      if (phase_ == Phase::resting) start_autossh();
      return;
    case Timer::probe:
      if ((phase_ == Phase::up || phase_ == Phase::verifying) && pending_request_ == 0) begin_probe();
      return;
    case Timer::kill:
      if (phase_ == Phase::ending) {
        actions_.emplace_back(EndChild{.by_force = true});
      } else if (phase_ == Phase::between) {
        actions_.emplace_back(RestartSsh{.by_force = true});
      } else {
        return;
      }
      set(Timer::kill, k_end_grace);  // a process in an uninterruptible wait is killed again
      return;
    case Timer::forward_retry:
    case Timer::failback_probe:
      return;
  }
}

/// The reason for a pending wait may be gone: act now instead of when the timer fires.
void Machine::on_path_change() {
  if (phase_ == Phase::up && pending_request_ == 0) {
    const Milliseconds wait = run_.probes.until_change_probe(now_);
    return wait > Milliseconds{0} ? set(Timer::probe, wait) : begin_probe();
  }
  start_early(cause_ ? urgency_of(cause_->retry_class()) : Urgency::steady);
}

void Machine::handle(const ProbeRequested&) {
  if (phase_ == Phase::up && pending_request_ == 0) return begin_probe();
  start_early(Urgency::soon);
}

void Machine::start_early(Urgency urgency) {
  const bool is_asleep = phase_ == Phase::between && sleeping_;
  if ((!is_asleep && phase_ != Phase::resting) || !backoff_.allows_early(urgency, now_)) return;
  if (until_login() > Milliseconds{0}) return;
  if (phase_ == Phase::resting) return start_autossh();
  sleeping_ = false;
  set(Timer::attempt, k_attempt_limit);
  actions_.emplace_back(RestartSsh{});
}

void Machine::handle(const Reloaded& event) {
  view_.forwards.assign(event.forwards, ForwardState::pending);
  if (stopping_) return;
  view_.show(TunnelState::connecting, "the tunnel file changed");
  reloading_ = true;
  if (phase_ == Phase::resting || phase_ == Phase::idle) return start_autossh();
  end_autossh();
}

void Machine::handle(const StopRequested&) {
  if (std::exchange(stopping_, true)) return;
  if (phase_ == Phase::idle || phase_ == Phase::resting) return stop();
  if (phase_ == Phase::ending) return view_.show(TunnelState::stopped, "stopped");
  end_autossh();
}

void Machine::stop() {
  cancel_all();
  pending_request_ = 0;
  phase_ = Phase::stopped;
  view_.next_attempt.reset();
  view_.mark_all(ForwardState::down);
  view_.show(TunnelState::stopped, "stopped");
  actions_.emplace_back(Quit{});
}

void Machine::show_failure(const Diagnosis& why) {
  const bool is_manual = urgency_of(why.retry_class()) == Urgency::manual;
  view_.show(is_manual ? TunnelState::failed : TunnelState::waiting, why.message);
}

void Machine::cancel_all() {
  for (const Timer timer : {Timer::attempt, Timer::retry, Timer::probe, Timer::kill}) cancel(timer);
}

}  // namespace holdfast::supervisor::autossh
