#include "supervisor/autossh/machine.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace holdfast::supervisor::autossh {
namespace {

using store::ForwardState;
using store::TunnelState;

constexpr Milliseconds k_health = std::chrono::seconds(60);  // up for this long: the past is forgiven
constexpr int k_silences = 2;                                // in a row, until the peer counts as dead
constexpr Milliseconds k_after_silence = Milliseconds(250);
constexpr Milliseconds k_grace = std::chrono::seconds(2);  // for what was told to end

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
  reloading_ = sleeping_ = was_up_ = false;
  view_.next_attempt.reset();
  // A tunnel that a person must mend stays `failed` to the eye while a slow retry is made.
  if (view_.state != TunnelState::failed) show(TunnelState::connecting, "connecting");
  actions_.emplace_back(StartChild{});
  set(Timer::attempt, k_attempt_limit);
}

void Machine::handle(const ChildFailedToStart& event) {
  if (phase_ != Phase::between && phase_ != Phase::ending) return;
  remember(event.why);
  cause_ = event.why;
  if (stopping_) return stop();
  if (reloading_) return start_autossh();
  rest();
}

void Machine::handle(const ChildExited& event) {
  if (phase_ == Phase::idle || phase_ == Phase::resting) return;
  // What its ssh said last was told already when that one's end was in autossh's log.
  const bool unexplained = has_ssh() || !cause_;
  end_run();
  if (stopping_) return stop();
  if (reloading_) return start_autossh();
  if (unexplained) {
    cause_ = event.why ? *event.why : ssh::explain_silent_end("autossh", event.end);
    remember(*cause_);
  }
  rest();
}

void Machine::rest() {
  cancel_all();
  phase_ = Phase::resting;
  const Diagnosis why = cause_.value_or(Diagnosis{FailureClass::unknown, "autossh ended", {}});
  const Milliseconds wait = backoff_.after(why.failure, was_up_ ? DropScope::local : DropScope::none, now_, chance_);
  if (wait == Milliseconds{0}) return start_autossh();
  show_failure(why);
  view_.next_attempt = now_ + wait;
  set(Timer::retry, wait);
}

void Machine::end_autossh() {
  if (phase_ == Phase::ending) return;
  cancel_all();
  awaited_ = 0;
  phase_ = Phase::ending;
  view_.verified = false;
  view_.rtt_ms.reset();
  if (stopping_) show(TunnelState::stopped, "stopped");
  actions_.emplace_back(EndChild{});
  set(Timer::kill, k_grace);
}

// --- its ssh

bool Machine::has_ssh() const noexcept {
  return phase_ == Phase::starting || phase_ == Phase::verifying || phase_ == Phase::up;
}

void Machine::handle(const SshStarted&) {
  if (phase_ != Phase::between && !has_ssh()) return;
  end_run();
  phase_ = Phase::starting;
  was_up_ = false;
  counted_ = sleeping_ = false;
  cause_.reset();
  view_.next_attempt.reset();
  std::fill(view_.forwards.begin(), view_.forwards.end(), ForwardState::pending);
  if (view_.state != TunnelState::failed) show(TunnelState::connecting, "connecting");
  set(Timer::attempt, k_attempt_limit);
}

void Machine::handle(const Sleeping& event) {
  if (phase_ != Phase::between) return;
  sleeping_ = true;
  actions_.emplace_back(CancelTimer{Timer::kill});  // there is no ssh to kill
  set(Timer::attempt, event.wait + k_attempt_limit);
  view_.next_attempt = now_ + event.wait;
  if (view_.state == TunnelState::connecting && cause_) show_failure(*cause_);
}

void Machine::handle(const ControlReady&) {
  if (phase_ != Phase::starting) return;
  phase_ = Phase::verifying;
  // The bastion answers in order: by the time it is asked for the probe it has answered for the forwards.
  begin_probe();
}

void Machine::handle(const SshEnded& event) {
  if (!has_ssh() && phase_ != Phase::between) return;
  const bool asked = phase_ == Phase::between;
  end_run();
  phase_ = Phase::between;
  set(Timer::attempt, k_attempt_limit);
  if (asked) return;
  cause_ = event.why ? *event.why : ssh::explain_silent_end("ssh", event.end);
  remember(*cause_);
  if (was_up_ && urgency_of(cause_->failure) != Urgency::needs_person)
    show(TunnelState::connecting, cause_->message);
  else
    show_failure(*cause_);
  if (cause_->failure == FailureClass::forward_busy)
    std::fill(view_.forwards.begin(), view_.forwards.end(), ForwardState::busy);
}

// A run of ssh is over, however that came to be known.
void Machine::end_run() {
  if (phase_ == Phase::up && now_ - up_since_ >= k_health) backoff_.reset();
  cancel_all();
  awaited_ = 0;
  silences_ = 0;
  view_.verified = false;
  view_.rtt_ms.reset();
  std::fill(view_.forwards.begin(), view_.forwards.end(), ForwardState::down);
  if (was_up_ && !std::exchange(counted_, true)) ++view_.reconnects;
}

// autossh watches nothing but its child: an ssh that carries no byte is for us to find, as its monitoring port would.
void Machine::give_up(Diagnosis why) {
  remember(why);
  show(TunnelState::connecting, why.message);
  end_run();
  cause_ = std::move(why);
  phase_ = Phase::between;
  actions_.emplace_back(RestartSsh{});
  set(Timer::attempt, k_attempt_limit);
  set(Timer::kill, k_grace);
}

// All that is known of its ssh is what it writes into its log: one who cannot write keeps us in the dark.
void Machine::never_heard() {
  cause_ = Diagnosis{FailureClass::unknown, "autossh has not told its log that it started ssh",
                     "a full disk keeps it from that; what it said last: holdfast logs"};
  remember(*cause_);
  show_failure(*cause_);
  end_autossh();
}

// --- the truth

void Machine::begin_probe() {
  actions_.emplace_back(CancelTimer{Timer::probe});
  awaited_ = ++last_request_;
  std::vector<std::size_t> all(view_.forwards.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  actions_.emplace_back(
      Probe{awaited_, std::move(all),
            rules_.target_by_name && silences_ >= k_silences ? k_long_probe_timeout : k_probe_timeout});
}

void Machine::handle(const ProbeAnswered& event) {
  if (event.request != awaited_ || awaited_ == 0) return;
  awaited_ = 0;
  if (event.kind == ProbeAnswered::Kind::silent) {
    // A socket that nobody answers on may be that of an ssh that has just ended: autossh's log will say so.
    if (++silences_ < (rules_.target_by_name ? k_silences + 1 : k_silences)) return set(Timer::probe, k_after_silence);
    return give_up(rules_.explain(FailureClass::dead_peer, std::nullopt));
  }
  silences_ = 0;
  for (std::size_t at = 0; at < std::min(view_.forwards.size(), event.forwards.size()); ++at)
    view_.forwards[at] = event.forwards[at];
  if (event.kind == ProbeAnswered::Kind::lost)
    return give_up(event.why ? *event.why : rules_.explain(FailureClass::closed, std::nullopt));
  if (phase_ != Phase::up) up_since_ = now_;
  phase_ = Phase::up;
  was_up_ = true;
  actions_.emplace_back(CancelTimer{Timer::attempt});
  if (event.kind == ProbeAnswered::Kind::target_down) return target_is_down(event);
  become_up(event);
}

void Machine::become_up(const ProbeAnswered& answer) {
  view_.verified = answer.kind == ProbeAnswered::Kind::verified;
  view_.rtt_ms = answer.rtt_ms;
  if (!view_.verified && answer.why && view_.last_error != answer.why) remember(*answer.why);
  show(TunnelState::up, view_.verified ? "verified end to end" : "open, but not verified end to end");
  const auto whole = std::chrono::duration_cast<Milliseconds>(rules_.probe_interval);
  set(Timer::probe,
      Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(whole.count()) * (0.8 + 0.2 * chance_))));
}

// The path is good: ssh stays, only the truth is told.
void Machine::target_is_down(const ProbeAnswered& answer) {
  view_.verified = false;
  view_.rtt_ms.reset();
  const Diagnosis why = answer.why ? *answer.why : rules_.explain(FailureClass::target_down, std::nullopt);
  if (view_.state != TunnelState::waiting || view_.last_error != why) remember(why);
  show(TunnelState::waiting, why.message);
  set(Timer::probe, std::min<Milliseconds>(k_target_recheck, rules_.probe_interval));
}

// --- what comes from outside

void Machine::handle(const TimerFired& event) {
  switch (event.timer) {
    case Timer::attempt:
      if (phase_ == Phase::between) return never_heard();
      if (phase_ == Phase::starting || phase_ == Phase::verifying)
        give_up(rules_.explain(FailureClass::timeout, std::nullopt));
      return;
    case Timer::retry:
      if (phase_ == Phase::resting) start_autossh();
      return;
    case Timer::probe:
      if ((phase_ == Phase::up || phase_ == Phase::verifying) && awaited_ == 0) begin_probe();
      return;
    case Timer::kill:
      if (phase_ == Phase::ending) {
        actions_.emplace_back(EndChild{.by_force = true});
      } else if (phase_ == Phase::between) {
        actions_.emplace_back(RestartSsh{.by_force = true});
      } else {
        return;
      }
      set(Timer::kill, k_grace);  // a process in an uninterruptible wait is asked again
      return;
    case Timer::ask_again:
    case Timer::failback_probe:
      return;
  }
}

// Something happened to the path: what waits for a timer need not wait.
void Machine::look_now() {
  if (phase_ == Phase::up && awaited_ == 0) return begin_probe();
  start_early(cause_ ? urgency_of(cause_->failure) : Urgency::steady);
}

void Machine::handle(const ProbeRequested&) {
  if (phase_ == Phase::up && awaited_ == 0) return begin_probe();
  start_early(Urgency::soon);
}

void Machine::start_early(Urgency urgency) {
  const bool asleep = phase_ == Phase::between && sleeping_;
  if ((!asleep && phase_ != Phase::resting) || !backoff_.allows_early(urgency, now_)) return;
  if (phase_ == Phase::resting) return start_autossh();
  sleeping_ = false;
  set(Timer::attempt, k_attempt_limit);
  actions_.emplace_back(RestartSsh{});
}

void Machine::handle(const Reloaded& event) {
  view_.forwards.assign(event.forwards, ForwardState::pending);
  if (stopping_) return;
  show(TunnelState::connecting, "the tunnel file changed");
  reloading_ = true;
  if (phase_ == Phase::resting || phase_ == Phase::idle) return start_autossh();
  end_autossh();
}

void Machine::handle(const StopAsked&) {
  if (std::exchange(stopping_, true)) return;
  if (phase_ == Phase::idle || phase_ == Phase::resting) return stop();
  if (phase_ == Phase::ending) return show(TunnelState::stopped, "stopped");
  end_autossh();
}

void Machine::stop() {
  cancel_all();
  awaited_ = 0;
  phase_ = Phase::stopped;
  view_.next_attempt.reset();
  std::fill(view_.forwards.begin(), view_.forwards.end(), ForwardState::down);
  show(TunnelState::stopped, "stopped");
  actions_.emplace_back(Quit{});
}

// --- the view

void Machine::show(TunnelState state, std::string reason) {
  if (view_.state == state && view_.reason == reason) return;
  view_.state = state;
  view_.reason = std::move(reason);
}

void Machine::show_failure(const Diagnosis& why) {
  const bool needs_person = urgency_of(why.failure) == Urgency::needs_person;
  show(needs_person ? TunnelState::failed : TunnelState::waiting, why.message);
}

void Machine::remember(Diagnosis why) {
  view_.last_error = std::move(why);
  ++view_.errors;
}

void Machine::cancel_all() {
  for (const Timer timer : {Timer::attempt, Timer::retry, Timer::probe, Timer::kill})
    actions_.emplace_back(CancelTimer{timer});
}

}  // namespace holdfast::supervisor::autossh
