// The machine of the autossh engine, one story a test, and a stream of random events that may break no promise of it.
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

/// The world as the machine sees it: what it asked for, and whether it may have asked for it.
struct World {
  World() { give(Started{}); }

  Actions give(const Event& event) {
    auto actions = machine.on(event, now, 0.5);
    for (const auto& action : actions) std::visit([this](const auto& one) { note(one); }, action);
    return actions;
  }
  void note(const StartChild&) {
    if (autossh) broken = "two autosshs";
    autossh = true;
  }
  void note(const EndChild&) {
    if (!autossh) broken = "an autossh that does not run was told to end";
  }
  void note(const RestartSsh&) {
    if (!autossh) broken = "no autossh to restart ssh";
  }
  void note(const Probe& probe) { request = probe.request; }
  void note(const SetTimer& one) { timers[one.timer] = one.wait; }
  void note(const CancelTimer& one) { timers.erase(one.timer); }
  void note(const Quit&) {
    if (autossh) broken = "it left autossh behind";
    over = true;
  }

  Actions autossh_ends() {
    autossh = false;
    return give(ChildExited{});
  }
  Actions probe_says(Probed kind) {
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
    probe_says(Probed::verified);
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
  std::string broken;
};

template <class T>
bool has(const Actions& actions) {
  return std::ranges::any_of(actions, [](const Action& one) { return std::holds_alternative<T>(one); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(autossh_machine)

BOOST_AUTO_TEST_CASE(up_only_after_a_byte_came_back) {
  World world;
  world.give(SshStarted{});
  world.give(ControlReady{});
  BOOST_TEST((world.state() == TunnelState::connecting));
  world.probe_says(Probed::verified);
  BOOST_TEST((world.state() == TunnelState::up));
  BOOST_TEST(world.machine.view().verified);
}

BOOST_AUTO_TEST_CASE(a_lost_ssh_is_autosshs_to_start_again) {
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

BOOST_AUTO_TEST_CASE(an_answer_to_the_ssh_before_counts_for_nothing) {
  World world;
  world.give(SshStarted{});
  world.give(ControlReady{});
  world.give(SshEnded{failure(FailureClass::forward_busy)});
  world.probe_says(Probed::verified);
  BOOST_TEST((world.state() == TunnelState::waiting));
  BOOST_TEST((world.machine.view().forwards[0] == ForwardState::busy));
}

BOOST_AUTO_TEST_CASE(a_port_that_leads_nowhere_and_a_silent_peer_cost_another_ssh) {
  World world;
  world.bring_up();
  world.fire(Timer::probe);
  BOOST_TEST(has<RestartSsh>(world.probe_says(Probed::lost)));
  BOOST_TEST((world.state() == TunnelState::connecting));
  world.bring_up();
  world.fire(Timer::probe);
  BOOST_TEST(!has<RestartSsh>(world.probe_says(Probed::silent)));
  world.fire(Timer::probe);
  BOOST_TEST(has<RestartSsh>(world.probe_says(Probed::silent)));
  const auto forced = world.fire(Timer::kill);
  BOOST_TEST(std::ranges::any_of(forced, [](const Action& one) {
    const auto* restart = std::get_if<RestartSsh>(&one);
    return restart != nullptr && restart->by_force;
  }));
}

BOOST_AUTO_TEST_CASE(a_login_that_stalls_is_given_up) {
  World world;
  world.give(SshStarted{});
  BOOST_TEST(has<RestartSsh>(world.fire(Timer::attempt)));
  BOOST_TEST((world.machine.view().last_error->failure == FailureClass::timeout));
}

// Its log is all that tells: on a full disk it says nothing, and the tunnel must not be "connecting" for ever.
BOOST_AUTO_TEST_CASE(an_autossh_that_is_not_heard_of_is_ended_and_named) {
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

BOOST_AUTO_TEST_CASE(what_a_person_must_mend_is_failed_and_stays_so_to_the_eye) {
  World world;
  world.give(SshStarted{});
  world.give(SshEnded{failure(FailureClass::auth)});
  BOOST_TEST((world.state() == TunnelState::failed));
  world.give(Sleeping{std::chrono::seconds(18)});
  BOOST_TEST((world.machine.view().next_attempt == world.now + std::chrono::seconds(18)));
  world.give(SshStarted{});
  BOOST_TEST((world.state() == TunnelState::failed));
}

BOOST_AUTO_TEST_CASE(an_autossh_that_ends_is_started_again_at_once_after_a_good_run_and_later_after_none) {
  World world;
  world.bring_up();
  world.give(SshEnded{});
  BOOST_TEST(has<StartChild>(world.autossh_ends()));
  BOOST_TEST(world.machine.view().reconnects == 1U);
  BOOST_TEST(!has<StartChild>(world.autossh_ends()));
  BOOST_TEST((world.state() == TunnelState::waiting));
  BOOST_TEST(has<StartChild>(world.fire(Timer::retry)));
}

BOOST_AUTO_TEST_CASE(the_network_coming_back_wakes_a_sleeping_autossh) {
  World world;
  world.give(SshStarted{});
  world.give(SshEnded{failure(FailureClass::unreachable)});
  BOOST_TEST(!has<RestartSsh>(world.give(NetworkGained{})));
  world.give(Sleeping{std::chrono::seconds(600)});
  BOOST_TEST(has<RestartSsh>(world.give(NetworkGained{})));
  BOOST_TEST(!has<RestartSsh>(world.give(NetworkGained{})));
}

BOOST_AUTO_TEST_CASE(a_dead_target_costs_no_connection) {
  World world;
  world.bring_up();
  world.fire(Timer::probe);
  BOOST_TEST(!has<RestartSsh>(world.probe_says(Probed::target_down)));
  BOOST_TEST((world.state() == TunnelState::waiting));
  world.fire(Timer::probe);
  world.probe_says(Probed::verified);
  BOOST_TEST((world.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_changed_file_takes_another_autossh) {
  World world;
  world.bring_up();
  BOOST_TEST(has<EndChild>(world.give(Reloaded{2})));
  BOOST_TEST(has<StartChild>(world.autossh_ends()));
  BOOST_TEST(world.machine.view().forwards.size() == 2U);
}

BOOST_AUTO_TEST_CASE(no_stream_of_events_leaves_two_autosshs_or_a_stop_without_an_end) {
  std::mt19937_64 random(7);
  constexpr std::array k_classes{FailureClass::auth, FailureClass::refused, FailureClass::forward_busy,
                                 FailureClass::closed, FailureClass::config};
  for (int stream = 0; stream < 2000; ++stream) {
    World world;
    for (int event = 0; event < 200 && !world.over; ++event) {
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
          world.give(NetworkGained{});
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
          if (random() % 20 == 0) world.give(StopAsked{});
          break;
        default:
          world.probe_says(static_cast<Probed>(random() % 5));
      }
      if (world.state() == TunnelState::up) BOOST_REQUIRE((world.machine.phase() == Phase::up));
      if (world.machine.phase() == Phase::between) BOOST_REQUIRE(world.timers.contains(Timer::attempt));
      BOOST_REQUIRE_MESSAGE(world.broken.empty(), world.broken << " in stream " << stream);
    }
    if (world.over) continue;
    world.give(StopAsked{});
    if (world.autossh) world.autossh_ends();
    BOOST_REQUIRE_MESSAGE(world.over, "a stop without an end in stream " << stream);
    BOOST_REQUIRE((world.state() == TunnelState::stopped));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor::autossh
