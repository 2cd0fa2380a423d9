#include "world.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::ForwardState;
using store::TunnelState;

namespace {

/// A reason to try before one's time, or at once.
bool is_news(const Event& event) {
  return std::holds_alternative<NetworkGained>(event) || std::holds_alternative<Woke>(event) ||
         std::holds_alternative<PathBack>(event) || std::holds_alternative<ProbeRequested>(event) ||
         std::holds_alternative<Reloaded>(event) || std::holds_alternative<FailbackProbeAnswered>(event);
}

}  // namespace

Rules plain_rules(std::size_t forwards, std::size_t bastions) {
  Rules rules;
  rules.forwards = forwards;
  rules.bastions = bastions;
  rules.explain = [](FailureClass failure, std::optional<std::size_t>) {
    return Diagnosis{failure, std::string(to_text(failure)), {}};
  };
  return rules;
}

World::World(Rules rules)
    : machine(rules),
      forwards(rules.forwards),
      bastions(rules.bastions),
      probe_interval(rules.probe_interval),
      may_stand_by(rules.standby),
      takeover(rules.takeover),
      previously_held(rules.previously_held) {
  previously_held.resize(bastions);
  limited_.resize(bastions);
  for (std::size_t at = 0; at < std::min(bastions, rules.no_login_before.size()); ++at)
    if (rules.no_login_before[at]) limit(at, *rules.no_login_before[at]);
}

void World::check(bool holds, const char* promise) {
  if (!holds && broken.empty())
    broken = std::string(promise) + " (phase " + std::string(to_text(machine.phase())) + ")";
}

Milliseconds World::wait_of(Timer timer) const {
  const auto& when = due[static_cast<std::size_t>(timer)];
  return when ? std::chrono::duration_cast<Milliseconds>(*when - now) : Milliseconds(-1);
}

const Actions& World::give(const Event& event, double chance) {
  const bool was_quit = quit;
  look_until_now();
  if (machine.phase() != Phase::port_busy) port_conflicts_since_takeover = true;
  if (std::holds_alternative<ChildExited>(event) || std::holds_alternative<ChildFailedToStart>(event)) {
    child = false;
    end_asked = false;
    request = 0;  // no answer is waited for any more
  }
  if (std::holds_alternative<Adopted>(event) && machine.phase() == Phase::idle) {
    child = true;
    bastion = std::get<Adopted>(event).bastion;
    open.assign(forwards, false);
  }
  if (const auto* tried = std::get_if<FailbackProbeAnswered>(&event);
      tried != nullptr && failback_probe == tried->bastion)
    failback_probe.reset();
  if (const auto* stop = std::get_if<StopAsked>(&event)) may_leave = stop->leave_child;
  if (const auto* reloaded = std::get_if<Reloaded>(&event)) {
    forwards = reloaded->forwards;
    bastions = reloaded->bastions;
    previously_held.resize(std::max(previously_held.size(), bastions));
    limited_.resize(bastions);
    if (reloaded->other_bastions) limited_.assign(bastions, std::nullopt);
    bastion = std::min(bastion, bastions - 1);
    coming.reset();
    open.assign(forwards, false);
  }
  if (const auto* changed = std::get_if<ForwardsChanged>(&event)) {
    coming = changed->from.size();
    from = changed->from;
  }
  if (const auto* said = std::get_if<ForwardAnswered>(&event))
    if (said->request == request && request != 0 && said->kind == ForwardAnswered::Kind::granted &&
        asked == Asked::forward)
      open.at(asked_for) = true;
  // A request is answered once.
  const auto answered = [&](RequestId id) {
    if (id == request) request = 0;
  };
  if (const auto* one = std::get_if<ForwardAnswered>(&event)) answered(one->request);
  if (const auto* one = std::get_if<PortHolderAnswered>(&event)) answered(one->request);
  if (const auto* one = std::get_if<TakeoverAnswered>(&event)) answered(one->request);
  if (const auto* one = std::get_if<ForwardsClosed>(&event)) answered(one->request);
  if (const auto* one = std::get_if<ProbeAnswered>(&event)) answered(one->request);
  const bool stood_by = is_standing_by();
  if (is_news(event)) in_a_row = 0;
  // Whatever the machine makes of it: a host without sshd resets, only a firewall rejects.
  if (const auto* blocked = std::get_if<PathBlocked>(&event))
    if (blocked->rejected && may_be_watched(blocked->bastion)) limit(blocked->bastion, now + std::chrono::seconds(31));
  last_ = machine.on(event, now, chance);
  for (const Action& action : last_)
    if (const auto* noted = std::get_if<NoteLimit>(&action)) note_limit(*noted, event);
  if (was_quit) check(last_.empty(), "nothing is done after the end");
  check_standby(event, stood_by);
  if (has<TakeOver>(last_)) check_takeover(event);
  for (const Action& action : last_) execute(action);
  check_state();
  if (machine.phase() == Phase::up) in_a_row = 0;
  return last_;
}

const Actions& World::fire(Timer timer, double chance) {
  auto& when = due[static_cast<std::size_t>(timer)];
  check(when.has_value(), "a timer that fires was set");
  if (when) now = std::max(now, *when);
  when.reset();
  timer_was_due = true;
  give(TimerFired{timer}, chance);
  timer_was_due = false;
  return last_;
}

const Actions& World::probe_says(ProbeAnswered::Kind kind) {
  ProbeAnswered answer;
  answer.request = request;
  answer.kind = kind;
  const bool good = kind == ProbeAnswered::Kind::verified || kind == ProbeAnswered::Kind::unproven;
  if (kind != ProbeAnswered::Kind::silent) answer.forwards.assign(probed, good ? ForwardState::up : ForwardState::down);
  if (good) answer.rtt_ms = rtt_ms;
  return give(answer);
}

void World::bring_up() {
  log_in();
  for (std::size_t at = 0; at < forwards; ++at) grant();
  probe_says(ProbeAnswered::Kind::verified);
}

void World::execute(const Action& action) {
  const auto ask = [&](RequestId id, Asked what) {
    check(child && !end_asked, "only an ssh that runs is asked");
    check(id > request, "request ids only grow");
    request = id;
    asked = what;
  };
  if (const auto* begin = std::get_if<StartChild>(&action)) {
    start(*begin);
  } else if (const auto* attempt = std::get_if<StartFailbackProbe>(&action)) {
    try_out(*attempt);
  } else if (std::holds_alternative<EndFailbackProbe>(action)) {
    check(failback_probe.has_value(), "only a trial that is under way is ended");
    failback_probe.reset();
  } else if (std::holds_alternative<EndChild>(action)) {
    check(child, "only an ssh that runs is ended");
    end_asked = true;
    request = 0;
  } else if (const auto* wanted = std::get_if<OpenForward>(&action)) {
    check(wanted->forward < forwards, "only a forward that exists is asked for");
    check(!open.at(wanted->forward), "what is open is not asked for again");
    ask(wanted->request, Asked::forward);
    asked_for = wanted->forward;
    asked_at = now;
  } else if (const auto* look = std::get_if<FindPortHolder>(&action)) {
    check(look->forward < forwards, "only a forward that exists is looked at");
    ask(look->request, Asked::holder);
    looked_closely = look->closely;
  } else if (const auto* probe = std::get_if<Probe>(&action)) {
    ask(probe->request, Asked::probe);
    probed = probe->forwards.size();
    check(probed != 0, "a probe is of something");
    for (const std::size_t at : probe->forwards) check(open.at(at), "only what is open is probed");
  } else if (const auto* change = std::get_if<ChangeForwards>(&action)) {
    check(coming.has_value(), "only what changed is changed");
    change_forwards(*change);
    if (change->request != 0) ask(change->request, Asked::closing);
  } else if (const auto* set = std::get_if<SetTimer>(&action)) {
    check_timer(*set);
    due[static_cast<std::size_t>(set->timer)] = now + set->wait;
  } else if (const auto* cancel = std::get_if<CancelTimer>(&action)) {
    due[static_cast<std::size_t>(cancel->timer)].reset();
  } else if (const auto* watch = std::get_if<WatchPath>(&action)) {
    check(watch->bastion < bastions, "only the way to a bastion that exists is watched");
    path_watched = watch->on;
    path = *watch;
    this->watch(*watch);
  } else if (std::holds_alternative<Knock>(action)) {
    check(machine.phase() == Phase::port_busy, "only a contested port is knocked at");
    check(!is_standing_by(), "a standby never knocks");
    check(!may_stand_by || previously_held.at(bastion),
          "where another host may have the port, only our own former session is knocked at");
  } else if (const auto* end = std::get_if<TakeOver>(&action)) {
    check(end->forward < forwards && !open.at(end->forward), "a takeover is for a port that is taken");
    ask(end->request, Asked::takeover);
    took_over = now;
  } else if (std::holds_alternative<Quit>(action)) {
    check(!child || (may_leave && !end_asked), "ssh is gone before the supervisor goes, or left on purpose");
    check(!failback_probe, "no trial is left behind");
    check(!quit, "it quits once");
    quit = true;
  }
}

void World::check_takeover(const Event& event) {
  check(takeover, "nothing is ended on the bastion unless that was asked for");
  check(machine.phase() == Phase::port_busy, "only a contested port is taken over");
  const auto* looked = std::get_if<PortHolderAnswered>(&event);
  check(looked != nullptr && looked_closely, "a port is looked at closely before it is taken over");
  check(looked == nullptr || (!looked->lives && !looked->why) || looked->kind == PortHolderAnswered::Kind::silent,
        "whoever answers at the port is left alone");
  check(!took_over || now - *took_over >= k_between_takeovers || port_conflicts_since_takeover,
        "in one contest a takeover comes once in two minutes");
  port_conflicts_since_takeover = false;
}

void World::start(const StartChild& action) {
  check(!child, "there is at most one ssh");
  check(!failback_probe, "while a bastion is gone to, none is tried");
  check(action.bastion < bastions, "only a bastion that exists is gone to");
  // A round of all of them comes to its end, and what follows waits, unless there is news.
  if (starts.empty() || starts.back() != now) in_a_row = 0;
  check(++in_a_row <= 2 * bastions, "attempts in a moment are counted");
  child = true;
  end_asked = false;
  bastion = action.bastion;
  request = 0;
  open.assign(forwards, false);
  connect(bastion, now);
  starts.push_back(now);
  gone_to.push_back(bastion);
}

void World::try_out(const StartFailbackProbe& action) {
  check(!failback_probe, "one trial at a time");
  check(child && !end_asked, "a trial is made beside an ssh that carries the tunnel, or waits for its ports");
  check(action.bastion < bastion, "only a better bastion is tried");
  check(starts.empty() || now - starts.back() >= k_shortest_failback_delay, "a later bastion is stayed at for a while");
  failback_probe = action.bastion;
  connect(action.bastion, now);
}

// --- a firewall that limits new connections

bool World::may_be_watched(std::size_t at) const {
  const Phase phase = machine.phase();
  const bool is_carried =
      phase == Phase::opening || phase == Phase::port_busy || phase == Phase::verifying || phase == Phase::up;
  return at < bastions && phase != Phase::idle && !quit && !(is_carried && at >= bastion);
}

void World::limit(std::size_t at, TimePoint quiet_until) {
  limited_.at(at) = Limited{.quiet_until = quiet_until, .next_look = {}, .connections = {}};
}

void World::note_limit(const NoteLimit& action, const Event& event) {
  check(action.bastion < bastions, "only a bastion that exists is limited");
  auto& limited = limited_.at(action.bastion);
  if (action.no_login_before) {
    // Silence after a reset: the machine alone knows what came before.
    const auto* blocked = std::get_if<PathBlocked>(&event);
    if (blocked != nullptr && blocked->bastion == action.bastion) limit(action.bastion, now + std::chrono::seconds(31));
    return check(limited.has_value(), "a limit begins with a look");
  }
  const auto* tried = std::get_if<FailbackProbeAnswered>(&event);
  check(std::holds_alternative<ControlReady>(event) || (tried != nullptr && !tried->why),
        "a limit ends with a login that worked");
  limited.reset();
}

// As BastionWatch does, but for one thing: this one goes on when it has seen the port open.
void World::watch(const WatchPath& action) {
  auto& limited = limited_.at(action.bastion);
  if (!limited) return;
  limited->next_look.reset();
  check(!action.on || action.first_look >= k_between_limited_probes,
        "few looks are made at a bastion that limits them");
  if (action.on) limited->next_look = now + action.first_look;
}

void World::look_until_now() {
  for (std::size_t at = 0; at < limited_.size(); ++at)
    while (limited_[at] && limited_[at]->next_look && *limited_[at]->next_look <= now) {
      const TimePoint when = *limited_[at]->next_look;
      limited_[at]->next_look = when + k_between_limited_probes;
      connect(at, when);
    }
}

void World::connect(std::size_t to, TimePoint when) {
  if (!limited_.at(to)) return;
  Limited& limited = *limited_[to];
  check(when >= limited.quiet_until, "nothing is opened in the pause");
  limited.connections.push_back(when);
  while (when - limited.connections.front() > std::chrono::seconds(30)) limited.connections.pop_front();
  check(limited.connections.size() <= 4, "where new connections are limited, four in 30 s are opened at most");
}

std::size_t World::limited_connections(std::size_t to) {
  look_until_now();
  if (!limited_.at(to)) return 0;
  auto& connections = limited_[to]->connections;
  while (!connections.empty() && now - connections.front() > std::chrono::seconds(30)) connections.pop_front();
  return connections.size();
}

void World::change_forwards(const ChangeForwards& change) {
  const auto before = std::exchange(open, std::vector<bool>(coming.value_or(0)));
  std::vector<bool> left(before.size());
  for (std::size_t at = 0; at < open.size(); ++at) {
    if (!from[at]) continue;
    open[at] = before.at(*from[at]);
    left.at(*from[at]) = true;
  }
  // With a connection: exactly what is open and not wanted any more is closed, and nothing else is touched.
  std::vector<std::size_t> gone;
  for (std::size_t at = 0; at < before.size(); ++at)
    if (before[at] && !left[at]) gone.push_back(at);
  if (change.request != 0) check(change.close == gone, "what is taken away is closed, and nothing else");
  forwards = open.size();
  coming.reset();
}

void World::check_timer(const SetTimer& action) {
  const auto within = [&](Milliseconds lowest, Milliseconds highest) {
    return action.wait >= lowest && action.wait <= highest;
  };
  switch (action.timer) {
    case Timer::attempt:
      return check(within(k_attempt_limit, k_attempt_limit), "an attempt has a minute");
    case Timer::kill:
      return check(within(k_kill_grace, k_kill_grace), "SIGKILL comes three seconds after SIGTERM");
    case Timer::retry:
      return check(within(Milliseconds(1), k_longest_slow), "a retry waits up to 30 min");
    case Timer::ask_again:
      if (is_standing_by())
        return check(within(k_between_asks, k_longest_standby), "a standby asks within 13 s, and not at once");
      return check(within(k_after_knock, std::chrono::seconds(15)) || within(k_shortest_slow, k_shortest_slow),
                   "a taken port is asked for each 0.25 to 15 s, a forbidden one each 5 min");
    case Timer::failback_probe:
      return check(within(Milliseconds(1), k_longest_slow), "a trial comes within 30 min");
    case Timer::probe:
      return check(within(std::min<Milliseconds>(probe_interval * 8 / 10, k_target_recheck), probe_interval),
                   "a probe comes within its interval");
  }
}

bool World::is_standing_by() const { return machine.view().state == TunnelState::standby; }

void World::check_standby(const Event& event, bool stood_by) {
  if (is_standing_by()) {
    check(may_stand_by, "only a host that may stand by does");
    const bool left = machine.phase() == Phase::stopped && may_leave;
    check((machine.phase() == Phase::port_busy || left) && child, "a standby is logged in");
    const auto& error = machine.view().last_error;
    check(stood_by || !error, "a standby begins without a complaint");
  }
  if (!stood_by) return;
  const auto* answered = std::get_if<ForwardAnswered>(&event);
  const bool refused = answered != nullptr && answered->kind == ForwardAnswered::Kind::refused;
  if (refused || std::holds_alternative<PortHolderAnswered>(event))
    // A change of the forwards that waited for this answer begins them anew, over the same connection.
    check((is_standing_by() || has<ChangeForwards>(last_)) && !has<EndChild>(last_),
          "a refusal never costs a standby its connection");
  if (has<OpenForward>(last_) && is_standing_by()) {
    check(now - asked_at >= k_between_asks, "a standby asks at most once a second");
    if (std::holds_alternative<TimerFired>(event) && timer_was_due)
      check(now - asked_at >= k_shortest_standby, "a standby that nothing hastens asks at ease");
  }
}

void World::check_state() {
  const View& view = machine.view();
  if (machine.phase() == Phase::up) previously_held.at(bastion) = true;
  check(!child || view.bastion == bastion, "it is told which bastion is gone to");
  const bool carries = machine.phase() == Phase::up || machine.phase() == Phase::port_busy;
  check(!carries || bastion == 0 || failback_probe || is_set(Timer::failback_probe),
        "a better bastion is looked for by a timer");
  const Phase phase = machine.phase();
  check(view.forwards.size() == forwards || quit, "every forward has its state");
  check((phase == Phase::stopped) == quit, "stopped means that it has quit");
  if (view.state == TunnelState::up) {
    check((phase == Phase::up || (quit && may_leave)) && child, "up needs an ssh that was probed");
    check(std::all_of(view.forwards.begin(), view.forwards.end(),
                      [](ForwardState state) { return state == ForwardState::up; }),
          "up means every forward");
  }
  check(!view.verified || view.state == TunnelState::up, "verified means up");
  if (view.state == TunnelState::failed) check(view.last_error.has_value(), "a failure has its reason");
  check(view.next_attempt.has_value() == (phase == Phase::waiting), "a next attempt is announced while waiting");
  switch (phase) {
    case Phase::idle:
    case Phase::stopped:
      return;
    case Phase::waiting:
      return check(!child && is_set(Timer::retry), "waiting ends by a timer");
    case Phase::starting:
    case Phase::opening:
    case Phase::verifying:
      return check(child && is_set(Timer::attempt), "an attempt ends by a timer");
    case Phase::port_busy:
      return check(child && (is_set(Timer::ask_again) || request != 0), "a contest goes on by a timer or an answer");
    case Phase::up:
      return check(child && (is_set(Timer::probe) || request != 0), "up is probed again");
    case Phase::ending:
      return check(child && is_set(Timer::kill), "an ending ends by a timer");
  }
}

}  // namespace holdfast::supervisor
