// The machine, one story a test: what a user would lose if it went otherwise.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

/// Of the probe that was asked for; 0 where none was.
Milliseconds timeout_of(const Actions& actions) {
  for (const Action& action : actions)
    if (const auto* probe = std::get_if<Probe>(&action)) return probe->timeout;
  return Milliseconds{0};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(machine)

BOOST_AUTO_TEST_CASE(up_only_after_every_forward_was_granted_and_the_probe_came_back) {
  Story story(plain_rules(2));
  story.log_in();
  story.grant();
  BOOST_TEST((story.state() == TunnelState::connecting));
  story.grant();
  BOOST_TEST((story.state() == TunnelState::connecting));
  BOOST_TEST(!story.machine.view().verified);
  story.probe_says(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.machine.view().verified);
}

BOOST_AUTO_TEST_CASE(a_killed_ssh_is_replaced_at_once_ten_times_in_a_row) {
  Story story;
  for (int kill = 0; kill < 10; ++kill) {
    story.bring_up();
    story.pass(std::chrono::seconds(5));
    BOOST_TEST(has<StartChild>(story.child_dies()));
  }
  BOOST_TEST(story.machine.view().reconnects == 10U);
}

// Only our ssh was killed: nobody else comes back with us. A bastion that closes has closed on everybody.
BOOST_AUTO_TEST_CASE(a_bastion_that_closed_is_come_back_to_within_the_spread_and_not_at_once) {
  for (const double chance : {0.0, 0.5, 0.999}) {
    Story story;
    story.bring_up();
    const Actions actions = story.give(ChildExited{failure(FailureClass::closed)}, chance);
    BOOST_TEST(!has<StartChild>(actions));
    BOOST_TEST((story.wait_of(Timer::retry) > Milliseconds{0}));
    BOOST_TEST((story.wait_of(Timer::retry) <= k_spread + Milliseconds{1}));
    BOOST_TEST(has<StartChild>(story.fire(Timer::retry)));
  }
}

BOOST_AUTO_TEST_CASE(a_flapping_bastion_sees_no_storm) {
  Story story;
  int immediate = 0;
  const TimePoint begin = story.now;
  while (story.now - begin < std::chrono::minutes(10)) {
    story.bring_up();
    story.pass(std::chrono::seconds(1));
    if (has<StartChild>(story.child_dies())) {
      ++immediate;
    } else {
      story.fire(Timer::retry);
    }
  }
  BOOST_TEST(immediate <= 20);
}

BOOST_AUTO_TEST_CASE(waits_grow_while_the_bastion_refuses_and_are_small_again_after_a_minute_of_health) {
  Story story;
  Milliseconds longest{0};
  for (int attempt = 0; attempt < 12; ++attempt) {
    story.child_dies(failure(FailureClass::refused));
    BOOST_TEST((story.state() == TunnelState::waiting));
    longest = std::max(longest, story.wait_of(Timer::retry));
    story.fire(Timer::retry, 0.99);
  }
  BOOST_TEST((longest > std::chrono::seconds(20)));
  story.bring_up();
  story.pass(std::chrono::seconds(61));
  story.child_dies();
  story.child_dies(failure(FailureClass::refused));
  BOOST_TEST((story.wait_of(Timer::retry) <= std::chrono::milliseconds(1500)));
}

BOOST_AUTO_TEST_CASE(a_refused_key_is_told_as_failed_and_tried_again_slowly) {
  Story story;
  story.child_dies(failure(FailureClass::auth));
  BOOST_TEST((story.state() == TunnelState::failed));
  BOOST_TEST(!story.path_watched);
  for (int soon = 0; soon < 2; ++soon) {  // a directory service that was restarted, a home that was not mounted yet
    BOOST_TEST((story.wait_of(Timer::retry) <= k_third_look));
    story.fire(Timer::retry);
    story.child_dies(failure(FailureClass::auth));
  }
  BOOST_TEST((story.wait_of(Timer::retry) >= std::chrono::minutes(5)));
  story.fire(Timer::retry);
  BOOST_TEST((story.state() == TunnelState::failed));  // to the eye it stays so until it is mended
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_bastion_that_stalls_after_its_banner_is_given_up_after_a_minute) {
  Story story;
  BOOST_TEST(has<EndChild>(story.fire(Timer::attempt)));
  story.child_dies();
  BOOST_TEST((story.last_class() == FailureClass::timeout));
  BOOST_TEST((story.state() == TunnelState::waiting));
}

BOOST_AUTO_TEST_CASE(how_a_silent_ssh_ended_is_told_as_it_was) {
  const auto told = [](const ssh::ProcessEnd& end) {
    Story story;
    story.bring_up();
    story.give(ChildExited{std::nullopt, end});
    return story.machine.view().last_error.value().message;
  };
  BOOST_TEST(told({.exit_code = 128 + 9}) == "ssh was killed by signal 9");
  BOOST_TEST(told({.exit_code = 255, .err_line = "oh"}) == "ssh exited with status 255; the last line on stderr: oh");
  BOOST_TEST(told({}) == "ssh ended and gave no reason");
}

BOOST_AUTO_TEST_CASE(an_ssh_that_will_not_end_is_killed) {
  Story story;
  story.bring_up();
  story.give(StopAsked{});
  const Actions& actions = story.fire(Timer::kill);
  const auto* end = std::get_if<EndChild>(&actions.front());
  BOOST_REQUIRE(end != nullptr);
  BOOST_TEST(end->by_force);
  BOOST_TEST(has<Quit>(story.child_dies()));
}

BOOST_AUTO_TEST_CASE(two_silences_and_the_peer_is_dead_one_is_not_enough) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  BOOST_TEST(has<Probe>(story.probe_says(Probed::silent)));
  story.probe_says(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  story.fire(Timer::probe);
  story.probe_says(Probed::silent);
  BOOST_TEST(has<EndChild>(story.probe_says(Probed::silent)));
  BOOST_TEST((story.state() == TunnelState::connecting));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST((story.last_class() == FailureClass::dead_peer));
}

BOOST_AUTO_TEST_CASE(whoever_woke_is_told_of_a_dead_connection_within_a_second) {
  Story story;
  story.bring_up();
  const Milliseconds timeout = timeout_of(story.give(Woke{}));
  BOOST_TEST((timeout >= k_short_probe_timeout && 2 * timeout < std::chrono::seconds(1)));
  BOOST_TEST((timeout_of(story.probe_says(Probed::silent)) == timeout));
  BOOST_TEST(has<EndChild>(story.probe_says(Probed::silent)));
  story.child_dies();
  story.bring_up();
  BOOST_TEST((timeout_of(story.fire(Timer::probe)) == k_probe_timeout));  // that is over
  story.probe_says(Probed::verified);
  story.give(Woke{});
  story.probe_says(Probed::verified);
  BOOST_TEST((timeout_of(story.fire(Timer::probe)) == k_probe_timeout));
}

// A link over a satellite that lives must not be thrown away, and its sessions with it.
BOOST_AUTO_TEST_CASE(whoever_woke_on_a_slow_path_waits_for_several_of_its_round_trips) {
  Story story;
  story.rtt_ms = 600;
  story.bring_up();
  BOOST_TEST((timeout_of(story.give(Woke{})) >= std::chrono::milliseconds(4 * 600)));
  story.probe_says(Probed::verified);
  story.rtt_ms = 5000;
  story.fire(Timer::probe);
  story.probe_says(Probed::verified);
  BOOST_TEST((timeout_of(story.give(Woke{})) == k_probe_timeout));  // as at any other time
}

BOOST_AUTO_TEST_CASE(whoever_woke_with_no_round_trip_measured_gets_a_second) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  story.probe_says(Probed::target_down);
  BOOST_TEST((timeout_of(story.give(Woke{})) == k_unmeasured_probe_timeout));
}

BOOST_AUTO_TEST_CASE(a_slow_resolver_gets_one_longer_look) {
  Rules rules = plain_rules();
  rules.target_by_name = true;
  Story story(rules);
  story.bring_up();
  story.fire(Timer::probe);
  story.probe_says(Probed::silent);
  const Actions actions = story.probe_says(Probed::silent);
  bool looked_longer = false;
  for (const Action& action : actions)
    if (const auto* probe = std::get_if<Probe>(&action)) looked_longer = probe->timeout == k_long_probe_timeout;
  BOOST_TEST(looked_longer);
  BOOST_TEST(has<EndChild>(story.probe_says(Probed::silent)));
}

BOOST_AUTO_TEST_CASE(a_target_that_is_down_is_told_and_never_costs_the_connection) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  BOOST_TEST(!has<EndChild>(story.probe_says(Probed::target_down)));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.last_class() == FailureClass::target_down));
  BOOST_TEST((story.wait_of(Timer::probe) <= k_target_recheck));
  story.fire(Timer::probe);
  story.probe_says(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_bastion_that_forbids_the_probe_is_up_but_not_verified) {
  Story story;
  story.log_in();
  story.grant();
  story.probe_says(Probed::unproven);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(!story.machine.view().verified);
}

BOOST_AUTO_TEST_CASE(news_of_the_network_shortens_the_wait_and_asks_for_proof) {
  Story story;
  story.child_dies(failure(FailureClass::unreachable));
  BOOST_TEST(story.path_watched);
  BOOST_TEST(has<StartChild>(story.give(NetworkGained{})));
  story.bring_up();
  BOOST_TEST(has<Probe>(story.give(Woke{})));
  BOOST_TEST(!has<Probe>(story.give(NetworkGained{})));  // one is under way
}

// Nothing sent from an address that is gone ever leaves: the sessions through it are lost, and each second counts.
BOOST_AUTO_TEST_CASE(a_connection_whose_address_is_gone_is_ended_at_once_and_replaced_at_once) {
  Story story;
  story.bring_up();
  BOOST_TEST(has<EndChild>(story.give(NetworkGained{NetworkGained::Way::lost})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST((story.last_class() == FailureClass::dead_peer));
}

BOOST_AUTO_TEST_CASE(a_connection_that_a_new_one_would_not_go_beside_has_less_time_to_answer) {
  Story story;
  story.bring_up();
  const Actions actions = story.give(NetworkGained{NetworkGained::Way::elsewhere});
  BOOST_REQUIRE(has<Probe>(actions));
  BOOST_TEST((timeout_of(actions) < std::chrono::seconds(1)));
  story.probe_says(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_wait_for_ones_turn_becomes_a_wait_for_the_watch_when_nobody_listens) {
  Rules rules = plain_rules();
  rules.spread = [](std::size_t) {
    return RetrySpread{.until_retry_slot = {}, .spread_delay = std::chrono::seconds(4)};
  };
  Story story(rules);
  story.bring_up();
  story.child_dies(failure(FailureClass::closed));
  BOOST_TEST((story.wait_of(Timer::retry) == std::chrono::seconds(4)));
  BOOST_TEST(story.path_watched);
  story.give(PathRefused{});
  BOOST_TEST((story.wait_of(Timer::retry) >= k_looked_at / 2));
  BOOST_TEST(has<StartChild>(story.give(PathBack{})));
}

BOOST_AUTO_TEST_CASE(an_attempt_stuck_on_a_path_that_came_back_is_begun_anew) {
  Story story;
  story.child_dies(failure(FailureClass::timeout));
  story.fire(Timer::retry);
  BOOST_TEST(!has<EndChild>(story.give(PathBack{})));  // it has only begun
  story.pass(std::chrono::seconds(4));
  BOOST_TEST(has<EndChild>(story.give(PathBack{})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_too_late_changes_nothing) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  const RequestId old = story.request;
  story.child_dies();
  story.log_in();
  story.grant();
  ProbeAnswered late;
  late.request = old;
  late.kind = Probed::verified;
  late.forwards = {ForwardState::up};
  story.give(late);
  BOOST_TEST((story.state() == TunnelState::connecting));
}

BOOST_AUTO_TEST_CASE(a_stop_while_waiting_ends_at_once) {
  Story story;
  story.child_dies(failure(FailureClass::dns));
  BOOST_TEST(has<Quit>(story.give(StopAsked{})));
  BOOST_TEST((story.state() == TunnelState::stopped));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
