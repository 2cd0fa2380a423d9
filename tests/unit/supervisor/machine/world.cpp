#include "world.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::ForwardState;

namespace {

bool allows_early_attempt(const Event& event) {
  return std::holds_alternative<NetworkChanged>(event) || std::holds_alternative<Resumed>(event) ||
         std::holds_alternative<PathRestored>(event) || std::holds_alternative<ProbeRequested>(event) ||
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
      probe_interval_(rules.probe_interval),
      may_stand_by_(rules.standby),
      may_take_over_(rules.takeover),
      previously_held_(rules.previously_held),
      spread_(rules.spread),
      first_spread_(rules.first_spread),
      crowds_(rules.known_crowds) {
  open.assign(forwards, false);
  previously_held_.resize(bastions);
  limited_.resize(bastions);
  crowds_.resize(bastions);
  refused_.resize(bastions);
  for (std::size_t at = 0; at < std::min(bastions, rules.no_login_before.size()); ++at)
    if (rules.no_login_before[at]) limit(at, *rules.no_login_before[at]);
}

Milliseconds World::wait_of(Timer timer) const {
  const auto& when = due[static_cast<std::size_t>(timer)];
  return when ? std::chrono::duration_cast<Milliseconds>(*when - now) : Milliseconds(-1);
}

const Actions& World::give(const Event& event, double chance) {
  const bool was_quit = quit;
  ++given.at(static_cast<std::size_t>(machine.phase())).at(event.index());
  const bool stood_by = is_standing_by();
  const Phase before = machine.phase();
  run_watches();
  if (machine.phase() != Phase::port_busy) conflict_ended_since_takeover_ = true;
  if (allows_early_attempt(event)) attempts_in_a_moment_ = 0;
  std::visit([this](const auto& one) { note(one); }, event);
  last_ = machine.on(event, now, chance);
  if (was_quit) check(last_.empty(), "a machine that has quit does nothing");
  for (const Action& action : last_)
    if (const auto* noted = std::get_if<NoteLimit>(&action)) check_limit_note(*noted, event);
  check_crowd_note(event, before);
  check_standby(event, stood_by);
  check_silence(event, before);
  if (has<TakeOver>(last_)) check_takeover(event);
  for (const Action& action : last_) std::visit([this](const auto& one) { execute(one); }, action);
  check_spread(event, before);
  check_state();
  check_phase();
  if (machine.phase() == Phase::up) attempts_in_a_moment_ = 0;
  return last_;
}

const Actions& World::fire(Timer timer, double chance) {
  auto& when = due[static_cast<std::size_t>(timer)];
  check(when.has_value(), "only a set timer fires");
  if (when) now = std::max(now, *when);
  when.reset();
  timer_was_due_ = true;
  give(TimerFired{timer}, chance);
  timer_was_due_ = false;
  return last_;
}

const Actions& World::answer_probe(ProbeAnswered::Kind kind) {
  ProbeAnswered answer;
  answer.request = request;
  answer.kind = kind;
  const bool good = kind == ProbeAnswered::Kind::verified || kind == ProbeAnswered::Kind::unproven;
  if (kind != ProbeAnswered::Kind::silent) answer.forwards.assign(probed, good ? ForwardState::up : ForwardState::down);
  if (good) answer.rtt_ms = rtt_ms;
  return give(answer);
}

const Actions& World::answer_probe_partly(std::size_t down) {
  ProbeAnswered answer;
  answer.request = request;
  answer.kind = ProbeAnswered::Kind::target_down;
  answer.forwards.assign(probed, ForwardState::up);
  answer.forwards.at(down) = ForwardState::down;
  return give(answer);
}

void World::bring_up() {
  log_in();
  for (std::size_t at = 0; at < forwards; ++at) grant();
  answer_probe(ProbeAnswered::Kind::verified);
}

// --- events

void World::end_child() {
  child = false;
  end_requested = false;
  request = 0;
}

void World::note(const Adopted& event) {
  if (machine.phase() != Phase::idle) return;
  child = true;
  bastion = event.bastion;
  open.assign(forwards, false);
}

void World::note(const FailbackProbeAnswered& event) {
  if (failback_probe != event.bastion) return;
  failback_probe.reset();
  if (!event.why) refused_.at(event.bastion) = false;
}

void World::note(const Reloaded& event) {
  forwards = event.forwards;
  bastions = event.bastions;
  previously_held_.resize(std::max(previously_held_.size(), bastions));
  limited_.resize(bastions);
  crowds_.resize(bastions);
  refused_.resize(bastions);
  if (event.other_bastions) limited_.assign(bastions, std::nullopt);
  if (event.other_bastions) crowds_.assign(bastions, std::nullopt);
  if (event.other_bastions) refused_.assign(bastions, false);
  bastion = std::min(bastion, bastions - 1);
  change_.reset();
  open.assign(forwards, false);
}

void World::note(const ForwardAnswered& event) {
  const bool is_pending = event.request == request && request != 0 && pending == Pending::forward;
  if (is_pending && event.kind == ForwardAnswered::Kind::granted) open.at(requested_forward_) = true;
  end_request(event.request);
}

// Whatever the machine concludes: a host without sshd resets, only a firewall rejects.
void World::note(const PathBlocked& event) {
  if (event.rejected && may_be_watched(event.bastion)) limit(event.bastion, now + std::chrono::seconds(31));
}

void World::begin_request(RequestId id, Pending kind) {
  check(child && !end_requested, "requests go to a running ssh");
  check(id > request, "request ids grow");
  request = id;
  pending = kind;
}

void World::end_request(RequestId id) {
  if (id == request) request = 0;
}

// --- actions

void World::execute(const StartChild& action) {
  check(!child, "there is at most one ssh");
  check(!failback_probe, "an attempt and a failback probe exclude each other");
  check(action.bastion < bastions, "the bastion of an attempt exists");
  // Every bastion is tried once in a round, then the machine waits.
  if (starts.empty() || starts.back() != now) attempts_in_a_moment_ = 0;
  check(++attempts_in_a_moment_ <= 2 * bastions, "attempts at one moment are bounded");
  child = true;
  end_requested = false;
  bastion = action.bastion;
  request = 0;
  open.assign(forwards, false);
  connect(bastion, now);
  starts.push_back(now);
  attempted_bastions.push_back(bastion);
}

void World::execute(const EndChild&) {
  check(child, "only a running ssh is ended");
  end_requested = true;
  request = 0;
}

void World::execute(const OpenForward& action) {
  check(action.forward < forwards, "a requested forward exists");
  check(!open.at(action.forward), "an open forward is not requested again");
  begin_request(action.request, Pending::forward);
  requested_forward_ = action.forward;
  requested_at_ = now;
}

void World::execute(const FindPortHolder& action) {
  check(action.forward < forwards, "the forward of a busy port exists");
  begin_request(action.request, Pending::holder);
  probed_target = action.await_target;
}

void World::execute(const Knock&) {
  check(machine.phase() == Phase::port_busy, "only a busy port is knocked at");
  check(!is_standing_by(), "a standby never knocks");
  check(!may_stand_by_ || previously_held_.at(bastion),
        "with host = any, only this host's own stale session is knocked at");
}

void World::execute(const TakeOver& action) {
  check(action.forward < forwards && !open.at(action.forward), "a takeover is for a busy port");
  begin_request(action.request, Pending::takeover);
  took_over_ = now;
}

void World::execute(const ChangeForwards& action) {
  check(change_.has_value(), "ChangeForwards follows ForwardsChanged");
  const auto from = change_ ? std::exchange(change_, std::nullopt)->from : decltype(change_->from){};
  const auto before = std::exchange(open, std::vector<bool>(from.size()));
  std::vector<bool> stays(before.size());
  for (std::size_t at = 0; at < open.size(); ++at) {
    if (!from[at]) continue;
    open[at] = before.at(*from[at]);
    stays.at(*from[at]) = true;
  }
  std::vector<std::size_t> removed;
  for (std::size_t at = 0; at < before.size(); ++at)
    if (before[at] && !stays[at]) removed.push_back(at);
  forwards = open.size();
  if (action.request == 0) return;
  check(action.close == removed, "exactly the removed open forwards are closed");
  begin_request(action.request, Pending::closing);
}

void World::execute(const Probe& action) {
  begin_request(action.request, Pending::probe);
  probed = action.forwards.size();
  check(probed != 0, "a probe has forwards");
  for (const std::size_t at : action.forwards) check(open.at(at), "only open forwards are probed");
}

void World::execute(const SetTimer& action) {
  check_timer(action);
  due[static_cast<std::size_t>(action.timer)] = now + action.wait;
}

void World::execute(const CancelTimer& action) { due[static_cast<std::size_t>(action.timer)].reset(); }

// As BastionWatch does, except that this one goes on after it has seen the port open.
void World::execute(const WatchPath& action) {
  check(action.bastion < bastions, "a watched bastion exists");
  check(!action.on || action.spread == spread_period(), "a return is spread over 6 s where a crowd is known");
  path_watched = action.on;
  path = action;
  auto& limited = limited_.at(action.bastion);
  if (!limited) return;
  limited->next_probe.reset();
  check(!action.on || action.first_probe >= k_between_limited_probes, "a limited bastion is probed rarely");
  if (action.on) limited->next_probe = now + action.first_probe;
}

void World::execute(const NoteCrowd& action) {
  check(action.bastion < bastions, "a crowded bastion exists");
  crowds_.at(action.bastion) = now + k_crowd_memory;
}

void World::execute(const StartFailbackProbe& action) {
  check(!failback_probe, "there is at most one failback probe");
  check(child && !end_requested, "a failback probe runs beside an ssh");
  check(action.bastion < bastion, "only a better bastion is probed");
  check(starts.empty() || now - starts.back() >= k_shortest_failback_delay, "a fallback is kept for some time");
  failback_probe = action.bastion;
  connect(action.bastion, now);
}

void World::execute(const EndFailbackProbe&) {
  check(failback_probe.has_value(), "only a running failback probe is ended");
  failback_probe.reset();
}

void World::execute(const Quit&) {
  check(!child || (may_leave && !end_requested), "ssh exits before the supervisor, or is left on purpose");
  check(!failback_probe, "no failback probe is left behind");
  check(!quit, "it quits once");
  quit = true;
}

}  // namespace holdfast::supervisor
