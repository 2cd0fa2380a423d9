// What the machine does about suspends, network changes and the watch of the bastion's port.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

/// Of the requested probe; 0 when there is none.
Milliseconds probe_timeout_of(const Actions& actions) {
  for (const Action& action : actions)
    if (const auto* probe = std::get_if<Probe>(&action)) return probe->timeout;
  return Milliseconds{0};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_network)

BOOST_AUTO_TEST_CASE(after_resume_a_dead_connection_is_found_within_a_second) {
  Story story;
  story.bring_up();
  const Milliseconds timeout = probe_timeout_of(story.give(Resumed{}));
  BOOST_TEST((timeout >= k_short_probe_timeout && 2 * timeout < std::chrono::seconds(1)));
  BOOST_TEST((probe_timeout_of(story.answer_probe(Probed::silent)) == timeout));
  BOOST_TEST(has<EndChild>(story.answer_probe(Probed::silent)));
  story.child_dies();
  story.bring_up();
  BOOST_TEST((probe_timeout_of(story.fire(Timer::probe)) == k_probe_timeout));  // the suspicion is over
  story.answer_probe(Probed::verified);
  story.give(Resumed{});
  story.answer_probe(Probed::verified);
  BOOST_TEST((probe_timeout_of(story.fire(Timer::probe)) == k_probe_timeout));
}

// Wi-Fi needs seconds after a resume. A supervisor that was only frozen is the same case.
BOOST_AUTO_TEST_CASE(after_resume_without_a_route_it_waits_for_the_network) {
  Story story;
  story.bring_up();
  BOOST_TEST(!has<Probe>(story.give(Resumed{{os::RouteStatus::none}})));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.last_class() == FailureClass::unreachable));
  story.pass(std::chrono::seconds(6));
  const Milliseconds timeout = probe_timeout_of(story.give(NetworkChanged{}));
  BOOST_TEST((timeout == k_returned_probe_timeout));
  BOOST_TEST((2 * timeout <= std::chrono::seconds(10)));
  story.pass(timeout);
  BOOST_TEST((probe_timeout_of(story.answer_probe(Probed::silent)) == timeout));
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);
  BOOST_TEST((probe_timeout_of(story.fire(Timer::probe)) == k_probe_timeout));
}

BOOST_AUTO_TEST_CASE(a_returned_network_has_ten_seconds) {
  Rules rules = plain_rules();
  rules.target_by_name = true;
  Story story(rules);
  story.bring_up();
  story.give(Resumed{{os::RouteStatus::none}});
  story.give(NetworkChanged{});
  BOOST_TEST((probe_timeout_of(story.answer_probe(Probed::silent)) == k_returned_probe_timeout));
  BOOST_TEST(has<EndChild>(story.answer_probe(Probed::silent)));
  BOOST_TEST((story.last_class() == FailureClass::dead_peer));
}

BOOST_AUTO_TEST_CASE(silence_without_a_route_is_no_dead_peer) {
  Story story;
  story.bring_up();
  for (int probe = 0; probe < 10; ++probe) {
    BOOST_TEST(has<Probe>(story.fire(Timer::probe)));
    BOOST_TEST(!has<EndChild>(story.answer_probe_without_route()));
    BOOST_TEST((story.state() == TunnelState::waiting));
    BOOST_TEST((story.wait_of(Timer::probe) <= k_target_recheck));
  }
  BOOST_TEST(has<Probe>(story.give(NetworkChanged{})));
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_noisy_network_causes_one_probe_in_five_seconds) {
  Story story;
  story.bring_up();
  int probes = 0;
  for (int change = 0; change < 1000; ++change) {
    story.pass(std::chrono::milliseconds(20));
    const bool fires = story.is_set(Timer::probe) && story.wait_of(Timer::probe) <= Milliseconds{0};
    if (!has<Probe>(fires ? story.fire(Timer::probe) : story.give(NetworkChanged{}))) continue;
    ++probes;
    story.answer_probe(Probed::verified);
  }
  BOOST_TEST(probes >= 4);  // in 20 s
  BOOST_TEST(probes <= 5);
}

BOOST_AUTO_TEST_CASE(a_login_comes_through_on_a_noisy_network) {
  Story story;
  TimePoint began = story.now;
  for (int change = 0; change < 200 && story.now - began < std::chrono::seconds(10); ++change) {
    story.pass(std::chrono::milliseconds(200));
    if (!has<EndChild>(story.give(NetworkChanged{}))) continue;
    story.child_dies();
    began = story.now;
  }
  BOOST_TEST((story.now - began >= std::chrono::seconds(10)));
  BOOST_TEST(story.starts.size() <= 4U);
}

BOOST_AUTO_TEST_CASE(a_noisy_network_leaves_the_budget_of_the_path_watch) {
  Story story;
  for (int change = 0; change < 20; ++change) {
    story.child_dies(failure(FailureClass::timeout));
    story.give(NetworkChanged{});
  }
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST(!has<StartChild>(story.give(NetworkChanged{})));
  BOOST_TEST(has<StartChild>(story.give(PathRestored{})));
}

// A slow satellite link that works must keep its connection and its sessions.
BOOST_AUTO_TEST_CASE(after_resume_a_slow_path_gets_four_round_trips) {
  Story story;
  story.rtt_ms = 600;
  story.bring_up();
  BOOST_TEST((probe_timeout_of(story.give(Resumed{})) >= std::chrono::milliseconds(4 * 600)));
  story.answer_probe(Probed::verified);
  story.rtt_ms = 5000;
  story.fire(Timer::probe);
  story.answer_probe(Probed::verified);
  BOOST_TEST((probe_timeout_of(story.give(Resumed{})) == k_probe_timeout));  // the usual timeout is the maximum
}

BOOST_AUTO_TEST_CASE(after_resume_an_unmeasured_path_gets_a_second) {
  Story story;
  story.log_in();
  story.grant();
  story.answer_probe(Probed::target_down);
  BOOST_TEST((probe_timeout_of(story.give(Resumed{})) == k_unmeasured_probe_timeout));
}

BOOST_AUTO_TEST_CASE(a_network_change_shortens_the_wait_and_probes) {
  Story story;
  story.child_dies(failure(FailureClass::unreachable));
  BOOST_TEST(story.path_watched);
  BOOST_TEST(has<StartChild>(story.give(NetworkChanged{})));
  story.bring_up();
  BOOST_TEST(has<Probe>(story.give(Resumed{})));
  BOOST_TEST(!has<Probe>(story.give(NetworkChanged{})));  // one is pending
}

// Packets from an address that is gone are never sent: the sessions are lost already.
BOOST_AUTO_TEST_CASE(a_lost_address_replaces_the_connection_at_once) {
  Story story;
  story.bring_up();
  BOOST_TEST(has<EndChild>(story.give(NetworkChanged{{os::RouteStatus::lost}})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST((story.last_class() == FailureClass::dead_peer));
}

BOOST_AUTO_TEST_CASE(a_changed_route_shortens_the_probe_timeout) {
  Story story;
  story.bring_up();
  const Actions actions = story.give(NetworkChanged{{os::RouteStatus::elsewhere}});
  BOOST_REQUIRE(has<Probe>(actions));
  BOOST_TEST((probe_timeout_of(actions) < std::chrono::seconds(1)));
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_refused_probe_replaces_the_slot_by_the_watch) {
  Rules rules = plain_rules();
  rules.spread = [](std::size_t) { return RetrySpread{.slot = 0.5, .is_watched = true}; };
  Story story(rules);
  story.bring_up();
  story.child_dies(failure(FailureClass::closed));
  BOOST_TEST((story.wait_of(Timer::retry) == k_shortest_wait));  // the run was shorter than a second
  BOOST_TEST(story.path_watched);
  story.give(PathRefused{});
  BOOST_TEST((story.wait_of(Timer::retry) >= k_watched_retry / 2));
  BOOST_TEST(has<StartChild>(story.give(PathRestored{})));
}

// The bastion's sshd is down: how the last connection ended no longer matters.
BOOST_AUTO_TEST_CASE(a_refused_probe_of_the_bastion_is_the_reason_to_wait) {
  Story story;
  story.bring_up();
  story.child_dies(failure(FailureClass::closed));
  BOOST_TEST((story.last_class() == FailureClass::closed));
  story.give(PathRefused{});
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.last_class() == FailureClass::refused));
  BOOST_TEST(story.machine.view().reason == "refused");
  const auto errors = story.machine.view().errors;
  story.give(PathRefused{});
  BOOST_TEST(story.machine.view().errors == errors);  // logged once
}

BOOST_AUTO_TEST_CASE(a_restored_path_restarts_a_stuck_attempt) {
  Story story;
  story.child_dies(failure(FailureClass::timeout));
  story.fire(Timer::retry);
  BOOST_TEST(!has<EndChild>(story.give(PathRestored{})));  // too young
  story.pass(std::chrono::seconds(4));
  BOOST_TEST(has<EndChild>(story.give(PathRestored{})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
}

// It did not reach every forward, to spare the target.
BOOST_AUTO_TEST_CASE(an_incomplete_probe_is_completed_soon) {
  Story story;
  story.log_in();
  story.grant();
  story.answer_probe(Probed::unproven);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST((story.wait_of(Timer::probe) == k_incomplete_recheck));
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
