// The machine of the autossh engine, and streams of random events that must not break its invariants.
#include "supervisor/autossh/machine.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <random>

namespace holdfast::supervisor::autossh {

using store::ForwardState;
using store::TunnelState;

namespace {

using Probed = ProbeAnswered::Kind;

Diagnosis failure(FailureClass one) { return {one, std::string(to_text(one)), {}}; }

/// The environment of a machine. It executes the actions and checks the invariants.
struct World {
  World() { give(Started{}); }

  Actions give(const Event& event) {
    auto actions = machine.on(event, now, 0.5);
    for (const auto& action : actions) std::visit([this](const auto& one) { execute(one); }, action);
    return actions;
  }
  void execute(const StartChild&) {
    if (autossh) violation = "two autossh processes";
    autossh = true;
  }
  void execute(const EndChild&) {
    if (!autossh) violation = "EndChild without autossh";
  }
  void execute(const RestartSsh&) {
    if (!autossh) violation = "RestartSsh without autossh";
  }
  void execute(const Probe& probe) { request = probe.request; }
  void execute(const SetTimer& one) { timers[one.timer] = one.wait; }
  void execute(const CancelTimer& one) { timers.erase(one.timer); }
  void execute(const Quit&) {
    if (autossh) violation = "autossh runs after Quit";
    over = true;
  }

  Actions autossh_ends() {
    autossh = false;
    return give(ChildExited{});
  }
  Actions answer_probe(Probed kind) {
    ProbeAnswered answer;
    answer.request = request;
    answer.kind = kind;
    answer.forwards = {kind == Probed::verified ? ForwardState::up : ForwardState::down};
    return give(answer);
  }
  Actions fire(Timer timer) {
    now += timers.at(timer);
    timers.erase(timer);
    return give(TimerFired{timer});
  }
  void bring_up() {
    give(SshStarted{});
    give(ControlReady{});
    answer_probe(Probed::verified);
  }
  [[nodiscard]] TunnelState state() const { return machine.view().state; }

  TimePoint now{};
  Machine machine{Rules{.forwards = 1,
                        .probe_interval = std::chrono::seconds(60),
                        .standby = false,
                        .target_by_name = false,
                        .explain = [](FailureClass one, std::optional<std::size_t>) { return failure(one); }}};
  std::map<Timer, Milliseconds> timers;
  RequestId request = 0;
  bool autossh = false;
  bool over = false;
  std::string violation;
};

template <class T>
bool has(const Actions& actions) {
  return std::ranges::any_of(actions, [](const Action& one) { return std::holds_alternative<T>(one); });
}

void step(std::mt19937_64& random, World& world) {
  constexpr std::array k_classes{FailureClass::auth, FailureClass::refused, FailureClass::forward_busy,
                                 FailureClass::closed, FailureClass::config};
  world.now += Milliseconds(random() % 20000);
  const auto some = failure(k_classes.at(random() % k_classes.size()));
  switch (random() % 12) {
    case 0:
      world.give(SshStarted{});
      break;
    case 1:
      world.give(SshEnded{some});
      break;
    case 2:
      if (world.autossh) world.autossh_ends();
      break;
    case 3:
      world.give(ControlReady{});
      break;
    case 4:
      world.give(Sleeping{std::chrono::seconds(random() % 600)});
      break;
    case 5:
      world.give(NetworkChanged{});
      break;
    case 6:
      world.give(ProbeRequested{});
      break;
    case 7:
      world.give(Reloaded{1});
      break;
    case 8:
      if (!world.timers.empty()) world.fire(world.timers.begin()->first);
      break;
    case 9:
      if (random() % 20 == 0) world.give(StopRequested{});
      break;
    default:
      world.answer_probe(static_cast<Probed>(random() % 5));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(autossh_machine)

// autossh would start ssh again at once.
BOOST_AUTO_TEST_CASE(a_refused_key_waits_for_the_logins_of_the_machine) {
  World world;
  Milliseconds left{0};
  Rules rules{.forwards = 1, .explain = [](FailureClass one, std::optional<std::size_t>) { return failure(one); }};
  rules.until_login = [&](std::size_t, bool was_refused) { return was_refused ? left : Milliseconds{0}; };
  world.machine.set_rules(rules);
  world.give(SshStarted{});
  BOOST_TEST(!has<EndChild>(world.give(SshEnded{failure(FailureClass::refused)})));
  world.give(SshStarted{});
  BOOST_TEST(has<EndChild>(world.give(SshEnded{failure(FailureClass::auth)})));
  left = std::chrono::minutes(9);
  world.autossh_ends();
  BOOST_TEST((world.state() == TunnelState::failed));
  BOOST_TEST((world.timers.at(Timer::retry) >= left));
  BOOST_TEST(!has<StartChild>(world.give(ProbeRequested{})));
  left = Milliseconds{0};
  BOOST_TEST(has<StartChild>(world.give(ProbeRequested{})));
}

BOOST_AUTO_TEST_CASE(up_needs_a_probe) {
  World world;
  world.give(SshStarted{});
  world.give(ControlReady{});
  BOOST_TEST((world.state() == TunnelState::connecting));
  world.answer_probe(Probed::verified);
  BOOST_TEST((world.state() == TunnelState::up));
  BOOST_TEST(world.machine.view().verified);
}

BOOST_AUTO_TEST_CASE(leaves_the_restart_of_ssh_to_autossh) {
  World world;
  world.bring_up();
  const auto actions = world.give(SshEnded{});
  BOOST_TEST(!has<StartChild>(actions));
  BOOST_TEST(!has<RestartSsh>(actions));
  BOOST_TEST((world.state() == TunnelState::connecting));
  world.bring_up();
  BOOST_TEST((world.state() == TunnelState::up));
  BOOST_TEST(world.machine.view().reconnects == 1U);
}

BOOST_AUTO_TEST_CASE(ignores_an_answer_to_the_previous_ssh) {
  World world;
  world.give(SshStarted{});
  world.give(ControlReady{});
  world.give(SshEnded{failure(FailureClass::forward_busy)});
  world.answer_probe(Probed::verified);
  BOOST_TEST((world.state() == TunnelState::waiting));
  BOOST_TEST((world.machine.view().forwards[0] == ForwardState::busy));
}

BOOST_AUTO_TEST_CASE(a_lost_port_and_a_silent_peer_restart_ssh) {
  World world;
  world.bring_up();
  world.fire(Timer::probe);
  BOOST_TEST(has<RestartSsh>(world.answer_probe(Probed::lost)));
  BOOST_TEST((world.state() == TunnelState::connecting));
  world.bring_up();
  world.fire(Timer::probe);
  BOOST_TEST(!has<RestartSsh>(world.answer_probe(Probed::silent)));
  world.fire(Timer::probe);
  BOOST_TEST(has<RestartSsh>(world.answer_probe(Probed::silent)));
  const auto forced = world.fire(Timer::kill);
  BOOST_TEST(std::ranges::any_of(forced, [](const Action& one) {
    const auto* restart = std::get_if<RestartSsh>(&one);
    return restart != nullptr && restart->by_force;
  }));
}

BOOST_AUTO_TEST_CASE(a_stalled_login_restarts_ssh) {
  World world;
  world.give(SshStarted{});
  BOOST_TEST(has<RestartSsh>(world.fire(Timer::attempt)));
  BOOST_TEST((world.machine.view().last_error->failure == FailureClass::timeout));
}

// Its log is the only source. On a full disk it stays empty, and the tunnel must not be "connecting" forever.
BOOST_AUTO_TEST_CASE(an_autossh_that_logs_nothing_is_replaced) {
  World world;
  BOOST_TEST(has<EndChild>(world.fire(Timer::attempt)));
  BOOST_TEST((world.machine.view().last_error->failure == FailureClass::unknown));
  world.autossh_ends();
  BOOST_TEST((world.state() == TunnelState::waiting));
  BOOST_TEST(has<StartChild>(world.fire(Timer::retry)));
  world.bring_up();
  BOOST_TEST((world.state() == TunnelState::up));
  world.give(SshEnded{});
  world.give(Sleeping{std::chrono::seconds(600)});
  BOOST_TEST((world.timers.at(Timer::attempt) > std::chrono::seconds(600)));
}

BOOST_AUTO_TEST_CASE(a_failure_that_needs_manual_action_stays_failed) {
  World world;
  world.give(SshStarted{});
  world.give(SshEnded{failure(FailureClass::host_key_unknown)});
  BOOST_TEST((world.state() == TunnelState::failed));
  world.give(Sleeping{std::chrono::seconds(18)});
  BOOST_TEST((world.machine.view().next_attempt == world.now + std::chrono::seconds(18)));
  world.give(SshStarted{});
  BOOST_TEST((world.state() == TunnelState::failed));
}

BOOST_AUTO_TEST_CASE(autossh_is_restarted_at_once_only_after_a_good_run) {
  World world;
  world.bring_up();
  world.give(SshEnded{});
  BOOST_TEST(has<StartChild>(world.autossh_ends()));
  BOOST_TEST(world.machine.view().reconnects == 1U);
  BOOST_TEST(!has<StartChild>(world.autossh_ends()));
  BOOST_TEST((world.state() == TunnelState::waiting));
  BOOST_TEST(has<StartChild>(world.fire(Timer::retry)));
}

BOOST_AUTO_TEST_CASE(a_network_change_wakes_a_sleeping_autossh) {
  World world;
  world.give(SshStarted{});
  world.give(SshEnded{failure(FailureClass::unreachable)});
  BOOST_TEST(!has<RestartSsh>(world.give(NetworkChanged{})));
  world.give(Sleeping{std::chrono::seconds(600)});
  BOOST_TEST(has<RestartSsh>(world.give(NetworkChanged{})));
  BOOST_TEST(!has<RestartSsh>(world.give(NetworkChanged{})));
}

BOOST_AUTO_TEST_CASE(a_dead_target_keeps_ssh) {
  World world;
  world.bring_up();
  world.fire(Timer::probe);
  BOOST_TEST(!has<RestartSsh>(world.answer_probe(Probed::target_down)));
  BOOST_TEST((world.state() == TunnelState::waiting));
  world.fire(Timer::probe);
  world.answer_probe(Probed::verified);
  BOOST_TEST((world.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_changed_file_restarts_autossh) {
  World world;
  world.bring_up();
  BOOST_TEST(has<EndChild>(world.give(Reloaded{2})));
  BOOST_TEST(has<StartChild>(world.autossh_ends()));
  BOOST_TEST(world.machine.view().forwards.size() == 2U);
}

BOOST_AUTO_TEST_CASE(random_events_keep_one_autossh_and_every_stop_ends) {
  std::mt19937_64 random(7);
  for (int stream = 0; stream < 2000; ++stream) {
    World world;
    for (int event = 0; event < 200 && !world.over; ++event) {
      step(random, world);
      if (world.state() == TunnelState::up) BOOST_REQUIRE((world.machine.phase() == Phase::up));
      if (world.machine.phase() == Phase::between) BOOST_REQUIRE(world.timers.contains(Timer::attempt));
      BOOST_REQUIRE_MESSAGE(world.violation.empty(), world.violation << " in stream " << stream);
    }
    if (world.over) continue;
    world.give(StopRequested{});
    if (world.autossh) world.autossh_ends();
    BOOST_REQUIRE_MESSAGE(world.over, "no Quit after a stop in stream " << stream);
    BOOST_REQUIRE((world.state() == TunnelState::stopped));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor::autossh
