// Two million random events, seeded: no stream of them breaks an invariant of the machine. A failure prints the seed of
// its stream. HOLDFAST_EVENTS sets another number of events.
#include "world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace holdfast::supervisor {
namespace {

using Random = std::mt19937_64;

constexpr TimePoint k_begin(std::chrono::hours(1));  // World::now at the start
constexpr std::size_t k_stream = 2000;               // events before the stop

std::size_t events_wanted() {
  const char* wanted = std::getenv("HOLDFAST_EVENTS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 2'000'000;
}

std::size_t below(Random& random, std::size_t bound) { return static_cast<std::size_t>(random() % bound); }
double fraction(Random& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

constexpr std::array k_classes{FailureClass::dns,
                               FailureClass::refused,
                               FailureClass::timeout,
                               FailureClass::unreachable,
                               FailureClass::auth,
                               FailureClass::key_missing,
                               FailureClass::key_permissions,
                               FailureClass::key_passphrase,
                               FailureClass::host_key_unknown,
                               FailureClass::host_key_changed,
                               FailureClass::forward_busy,
                               FailureClass::forward_denied,
                               FailureClass::second_factor,
                               FailureClass::certificate,
                               FailureClass::agent,
                               FailureClass::jump_host,
                               FailureClass::account,
                               FailureClass::target_down,
                               FailureClass::dead_peer,
                               FailureClass::closed,
                               FailureClass::crypto,
                               FailureClass::config,
                               FailureClass::ssh_missing,
                               FailureClass::unknown};

Diagnosis some_failure(Random& random) {
  const FailureClass failure = k_classes.at(below(random, k_classes.size()));
  return {failure, std::string(to_text(failure)), {}};
}

std::optional<Diagnosis> some_diagnosis(Random& random) {
  return below(random, 2) == 0 ? std::optional(some_failure(random)) : std::nullopt;
}

ConnectionStatus some_connection(Random& random) {
  return {.route = static_cast<os::RouteStatus>(below(random, 4)),
          .flow = static_cast<ConnectionStatus::Flow>(below(random, 3)),
          .occupied = below(random, 2) == 0};
}

// The pending id most of the time, sometimes an old one or one that never existed.
RequestId some_id(Random& random, const World& world) {
  const auto dice = below(random, 20);
  if (dice == 0 && world.request > 1) return world.request - 1;
  if (dice == 1) return random();
  return world.request;
}

/// Never the pending one.
RequestId late_id(Random& random, const World& world) {
  return world.request > 1 && below(random, 2) == 0 ? world.request - 1 : world.request + 1'000'000;
}

ProbeAnswered some_probe_answer(Random& random, const World& world) {
  ProbeAnswered answer;
  answer.request = some_id(random, world);
  answer.kind =
      below(random, 3) != 0 ? ProbeAnswered::Kind::verified : static_cast<ProbeAnswered::Kind>(below(random, 5));
  const bool good = answer.kind == ProbeAnswered::Kind::verified || answer.kind == ProbeAnswered::Kind::unproven;
  const auto state = good ? store::ForwardState::up : store::ForwardState::down;
  if (answer.kind != ProbeAnswered::Kind::silent) answer.forwards.assign(world.probed, state);
  if (answer.kind == ProbeAnswered::Kind::target_down)
    for (std::size_t at = 1; at < answer.forwards.size(); ++at)
      if (below(random, 2) == 0) answer.forwards[at] = store::ForwardState::up;
  if (below(random, 2) == 0) answer.why = some_failure(random);
  answer.connection = some_connection(random);
  return answer;
}

Event some_answer(Random& random, const World& world) {
  const RequestId id = some_id(random, world);
  switch (world.pending) {
    case World::Pending::forward:
      return ForwardAnswered{
          id,
          below(random, 2) == 0 ? ForwardAnswered::Kind::granted : static_cast<ForwardAnswered::Kind>(below(random, 3)),
          some_connection(random)};
    case World::Pending::holder:
      return PortHolderAnswered{id, static_cast<PortHolderAnswered::Kind>(below(random, 5)), some_diagnosis(random),
                                below(random, 3) == 0};
    case World::Pending::takeover:
      return TakeoverAnswered{id, below(random, 2) == 0, some_diagnosis(random)};
    case World::Pending::closing:
      return ForwardsClosed{id};
    default:
      return some_probe_answer(random, world);
  }
}

/// Some of the present forwards and some new ones, in any order.
ForwardsChanged some_change(Random& random, const World& world) {
  std::vector<std::optional<std::size_t>> from;
  for (std::size_t at = 0; at < world.forwards; ++at)
    if (below(random, 3) != 0) from.emplace_back(at);
  while (from.empty() || below(random, 3) == 0) from.emplace_back(std::nullopt);
  std::shuffle(from.begin(), from.end(), random);
  return {std::move(from)};
}

// The timer that is due first; empty when none is set.
std::optional<Timer> next_timer(const World& world) {
  std::optional<Timer> first;
  for (std::size_t at = 0; at < k_timers; ++at)
    if (world.due[at] && (!first || *world.due[at] < *world.due[static_cast<std::size_t>(*first)]))
      first = static_cast<Timer>(at);
  return first;
}

void step(Random& random, World& world) {
  const double chance = fraction(random);
  const auto dice = below(random, 100);
  if (dice < 70 && world.request != 0) return void(world.give(some_answer(random, world), chance));
  if (dice < 70 && world.machine.phase() == Phase::starting) return void(world.give(ControlReady{}, chance));
  if (dice < 74 && world.child) {
    const bool says_why = below(random, 3) != 0;
    const Phase phase = world.machine.phase();
    const bool failed_start = (phase == Phase::starting || phase == Phase::ending) && below(random, 4) == 0;
    if (failed_start) return void(world.give(ChildFailedToStart{some_failure(random)}, chance));
    return void(world.give(ChildExited{says_why ? std::optional(some_failure(random)) : std::nullopt}, chance));
  }
  if (dice < 76 && world.failback_probe)
    return void(world.give(FailbackProbeAnswered{*world.failback_probe, some_diagnosis(random)}, chance));
  if (dice < 92) {
    if (const auto timer = next_timer(world)) return void(world.fire(*timer, chance));
  }
  world.pass(Milliseconds(below(random, 90'000)));
  switch (below(random, 25)) {
    // Each kind of answer in each phase, late.
    case 14:
      return void(world.give(ForwardAnswered{late_id(random, world), ForwardAnswered::Kind::refused}, chance));
    case 15:
      return void(world.give(PortHolderAnswered{late_id(random, world)}, chance));
    case 16:
      return void(world.give(TakeoverAnswered{late_id(random, world), below(random, 2) == 0, {}}, chance));
    case 17:
      return void(world.give(ForwardsClosed{late_id(random, world)}, chance));
    case 18: {
      auto late = some_probe_answer(random, world);
      late.request = late_id(random, world);
      return void(world.give(late, chance));
    }
    case 19:
      return void(world.give(Started{}, chance));  // ignored after the start
    case 20:
      return void(world.give(ChildFailedToStart{some_failure(random)}, chance));  // ignored in most phases
    case 21:
      return void(world.give(ChildExited{some_diagnosis(random)}, chance));
    case 22:
      return void(world.give(LoginBlocked{some_failure(random)}, chance));  // ignored in most phases
    case 23:
      return void(world.give(FlowChanged{some_connection(random), below(random, 2) == 0}, chance));
    case 24:
      return void(world.give(FlowDead{}, chance));
    case 12:
    case 13:
      return void(world.give(PathBlocked{below(random, 3), below(random, 2) == 0}, chance));
    case 11:
      return void(world.give(PathRefused{below(random, 3)}, chance));
    case 9:
      return void(world.give(Adopted{}, chance));  // ignored after the start
    case 7:
      return void(world.give(KnockAnswered{below(random, 2) == 0, some_diagnosis(random)}, chance));
    case 8:
      return void(world.give(some_change(random, world), chance));
    case 0:
      return void(world.give(NetworkChanged{some_connection(random)}, chance));
    case 1:
      return void(world.give(Resumed{some_connection(random)}, chance));
    case 2:
      return void(world.give(PathRestored{below(random, 3)}, chance));
    case 10:
      return void(world.give(FailbackProbeAnswered{below(random, 3), some_diagnosis(random)}, chance));
    case 3:
      return void(world.give(ProbeRequested{}, chance));
    case 4:
      return void(world.give(Reloaded{1 + below(random, 3), 1 + below(random, 3), below(random, 2) == 0}, chance));
    case 5:
      return void(world.give(ControlReady{}, chance));  // unexpected in most phases
    case 6:
      return void(world.give(TimerFired{static_cast<Timer>(below(random, k_timers))}, chance));  // as a late timer does
    default:
      return void(world.give(some_answer(random, world), chance));
  }
}

// SIGTERM at any moment: the machine quits within two more events and does nothing afterwards.
void end(Random& random, World& world) {
  world.give(StopRequested{.leave_child = below(random, 2) == 0});
  if (world.child && !world.quit) world.give(ChildExited{});
  world.pass(std::chrono::hours(1));
  for (int more = 0; more < 4; ++more) world.give(some_answer(random, world));
  world.give(NetworkChanged{});
}

Rules random_rules(Random& random) {
  Rules rules = plain_rules(1 + below(random, 3));
  rules.standby = below(random, 2) == 0;
  rules.takeover = below(random, 2) == 0;
  rules.target_by_name = below(random, 2) == 0;
  rules.bastions = below(random, 2) == 0 ? 1 : 1 + below(random, 3);
  if (below(random, 2) == 0)
    rules.spread = [slot = fraction(random)](std::size_t) { return RetrySpread{.slot = slot, .is_watched = true}; };
  rules.first_spread = std::array{Milliseconds{0}, k_optimistic_spread, k_careful_spread}.at(below(random, 3));
  for (std::size_t at = 0; at < rules.bastions; ++at)
    rules.known_crowds.push_back(
        below(random, 8) == 0 ? std::optional(k_begin + std::chrono::minutes(below(random, 600))) : std::nullopt);
  for (std::size_t at = 0; at < rules.bastions; ++at) rules.previously_held.push_back(below(random, 2) == 0);
  for (std::size_t at = 0; at < rules.bastions; ++at)
    rules.no_login_before.push_back(below(random, 4) == 0 ? std::optional(k_begin + Milliseconds(below(random, 31'000)))
                                                          : std::nullopt);
  if (below(random, 4) == 0)
    rules.until_login = [seed = below(random, 1000), calls = std::size_t{0}](std::size_t, bool) mutable {
      return ++calls % 3 == 0 ? Milliseconds((seed * calls * 7919) % 600'000) : Milliseconds{0};
    };
  rules.probe_interval = std::chrono::seconds(10 + below(random, 3590));
  return rules;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_property)

BOOST_AUTO_TEST_CASE(random_events_break_no_invariant) {
  const std::size_t streams = std::max<std::size_t>(1, events_wanted() / k_stream);
  decltype(World::given) given{};
  for (std::size_t seed = 1; seed <= streams; ++seed) {
    Random random(seed);
    World world(random_rules(random));
    for (std::size_t before = below(random, 8); before > 4; --before) step(random, world);
    if (below(random, 3) == 0)
      world.give(Adopted{below(random, 5), below(random, world.bastions)});
    else
      world.give(Started{});
    for (std::size_t at = 0; at < k_stream && world.violation.empty(); ++at) step(random, world);
    end(random, world);
    BOOST_REQUIRE_MESSAGE(world.violation.empty(), "seed " << seed << ": " << world.violation);
    BOOST_REQUIRE_MESSAGE(world.quit, "seed " << seed << ": it did not end");
    for (std::size_t phase = 0; phase < given.size(); ++phase)
      for (std::size_t kind = 0; kind < given[phase].size(); ++kind) given[phase][kind] += world.given[phase][kind];
  }
  if (events_wanted() < 2'000'000) return;
  for (std::size_t phase = 1; phase < static_cast<std::size_t>(Phase::stopped); ++phase)
    for (std::size_t kind = 0; kind < given[phase].size(); ++kind)
      BOOST_TEST(given[phase][kind] != 0U, "event " << kind << " in phase " << to_text(static_cast<Phase>(phase)));
}

// Whatever the network does, refused logins stay below the limits of fail2ban and its like.
BOOST_AUTO_TEST_CASE(refused_logins_stay_rare) {
  for (std::size_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    World world(plain_rules());
    world.give(Started{});
    const TimePoint begin = world.now;
    while (world.now - begin < std::chrono::hours(24)) {
      if (world.child) world.child_dies(Diagnosis{FailureClass::auth, "refused", {}});
      world.pass(Milliseconds(below(random, 20'000)));
      const auto event = below(random, 4);
      const auto retry = world.due[static_cast<std::size_t>(Timer::retry)];
      if (retry && world.now >= *retry) {
        world.fire(Timer::retry, fraction(random));
      } else if (event == 0) {
        world.give(NetworkChanged{});
      } else if (event == 1) {
        world.give(Resumed{});
      } else if (event == 2) {
        world.give(PathRestored{});
      }
    }
    // At most `count` in any `window`. fail2ban bans after five failures in ten minutes by default.
    const auto few = [&](std::size_t count, std::chrono::minutes window) {
      for (std::size_t at = 0; at + count < world.starts.size(); ++at)
        if (world.starts[at + count] - world.starts[at] <= window) return false;
      return true;
    };
    BOOST_REQUIRE_MESSAGE(few(3, std::chrono::minutes(1)), "seed " << seed);
    BOOST_REQUIRE_MESSAGE(few(4, std::chrono::minutes(10)), "seed " << seed);
    BOOST_REQUIRE_MESSAGE(few(15, std::chrono::minutes(60)), "seed " << seed);
    BOOST_REQUIRE_MESSAGE(world.violation.empty(), "seed " << seed << ": " << world.violation);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
