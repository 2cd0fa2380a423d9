// The machine's attempts, probes and retries.
#include "story.hpp"

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(machine)

BOOST_AUTO_TEST_CASE(up_needs_every_forward_and_a_probe) {
  Story story(plain_rules(2));
  story.log_in();
  story.grant();
  BOOST_TEST((story.state() == TunnelState::connecting));
  story.grant();
  BOOST_TEST((story.state() == TunnelState::connecting));
  BOOST_TEST(!story.machine.view().verified);
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.machine.view().verified);
}

BOOST_AUTO_TEST_CASE(a_killed_ssh_is_replaced_at_once) {
  Story story;
  for (int kill = 0; kill < 10; ++kill) {
    story.bring_up();
    story.pass(std::chrono::seconds(5));
    BOOST_TEST(has<StartChild>(story.child_dies()));
  }
  BOOST_TEST(story.machine.view().reconnects == 10U);
}

// A killed ssh affects only this tunnel. A bastion that closes does so to every tunnel.
BOOST_AUTO_TEST_CASE(a_closed_connection_is_retried_within_the_spread) {
  for (const double chance : {0.0, 0.5, 0.999}) {
    Story story;
    story.bring_up();
    const Actions actions = story.give(ChildExited{failure(FailureClass::closed)}, chance);
    BOOST_TEST(!has<StartChild>(actions));
    BOOST_TEST((story.wait_of(Timer::retry) > Milliseconds{0}));
    BOOST_TEST((story.wait_of(Timer::retry) <= k_careful_spread + Milliseconds{1}));
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

BOOST_AUTO_TEST_CASE(waits_grow_and_a_healthy_minute_resets_them) {
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

BOOST_AUTO_TEST_CASE(a_refused_key_is_failed_and_retried_slowly) {
  Story story;
  story.child_dies(failure(FailureClass::auth));
  BOOST_TEST((story.state() == TunnelState::failed));
  BOOST_TEST(!story.path_watched);
  for (int soon = 0; soon < 2; ++soon) {  // for example: a directory service that was restarted
    BOOST_TEST((story.wait_of(Timer::retry) <= k_second_early_retry));
    story.fire(Timer::retry);
    story.child_dies(failure(FailureClass::auth));
  }
  BOOST_TEST((story.wait_of(Timer::retry) >= std::chrono::minutes(5)));
  story.fire(Timer::retry);
  BOOST_TEST((story.state() == TunnelState::failed));  // stays visible until it is fixed
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_stalled_login_times_out_after_a_minute) {
  Story story;
  BOOST_TEST(has<EndChild>(story.fire(Timer::attempt)));
  story.child_dies();
  BOOST_TEST((story.last_class() == FailureClass::timeout));
  BOOST_TEST((story.state() == TunnelState::waiting));
}

BOOST_AUTO_TEST_CASE(reports_how_a_silent_ssh_ended) {
  const auto message = [](const ssh::ProcessEnd& end) {
    Story story;
    story.bring_up();
    story.give(ChildExited{std::nullopt, end});
    return story.machine.view().last_error.value().message;
  };
  BOOST_TEST(message({.exit_code = 128 + 9}) == "ssh was killed by signal 9");
  BOOST_TEST(message({.exit_code = 255, .err_line = "oh"}) ==
             "ssh exited with status 255; the last line on stderr: oh");
  BOOST_TEST(message({}) == "ssh ended and gave no reason");
}

BOOST_AUTO_TEST_CASE(an_ssh_that_ignores_sigterm_is_killed) {
  Story story;
  story.bring_up();
  story.give(StopRequested{});
  const Actions& actions = story.fire(Timer::kill);
  const auto* end = std::get_if<EndChild>(&actions.front());
  BOOST_REQUIRE(end != nullptr);
  BOOST_TEST(end->by_force);
  BOOST_TEST(has<Quit>(story.child_dies()));
}

BOOST_AUTO_TEST_CASE(two_silent_probes_mean_a_dead_peer) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  BOOST_TEST(has<Probe>(story.answer_probe(Probed::silent)));
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  story.fire(Timer::probe);
  story.answer_probe(Probed::silent);
  BOOST_TEST(has<EndChild>(story.answer_probe(Probed::silent)));
  BOOST_TEST((story.state() == TunnelState::connecting));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST((story.last_class() == FailureClass::dead_peer));
}

BOOST_AUTO_TEST_CASE(a_slow_resolver_gets_one_longer_probe) {
  Rules rules = plain_rules();
  rules.target_by_name = true;
  Story story(rules);
  story.bring_up();
  story.fire(Timer::probe);
  story.answer_probe(Probed::silent);
  const Actions actions = story.answer_probe(Probed::silent);
  bool is_longer = false;
  for (const Action& action : actions)
    if (const auto* probe = std::get_if<Probe>(&action)) is_longer = probe->timeout == k_long_probe_timeout;
  BOOST_TEST(is_longer);
  BOOST_TEST(has<EndChild>(story.answer_probe(Probed::silent)));
}

BOOST_AUTO_TEST_CASE(a_target_that_is_down_keeps_the_connection) {
  Story story;
  story.bring_up();
  story.fire(Timer::probe);
  BOOST_TEST(!has<EndChild>(story.answer_probe(Probed::target_down)));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.last_class() == FailureClass::target_down));
  BOOST_TEST((story.wait_of(Timer::probe) <= k_target_recheck));
  story.fire(Timer::probe);
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_dead_target_of_three_degrades_the_tunnel) {
  Story story(plain_rules(3));
  story.bring_up();
  story.fire(Timer::probe);
  BOOST_TEST(!has<EndChild>(story.answer_probe_partly(1)));
  BOOST_TEST((story.state() == TunnelState::degraded));
  BOOST_TEST(!story.machine.view().verified);
  BOOST_TEST((story.last_class() == FailureClass::target_down));
  story.fire(Timer::probe);
  story.answer_probe(Probed::target_down);
  BOOST_TEST((story.state() == TunnelState::waiting));  // none works
  story.fire(Timer::probe);
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_forbidden_probe_leaves_the_tunnel_up_unverified) {
  Story story;
  story.log_in();
  story.grant();
  story.answer_probe(Probed::unproven);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(!story.machine.view().verified);
}

// A bastion bans a machine, not a tunnel.
BOOST_AUTO_TEST_CASE(refused_logins_of_other_tunnels_delay_a_login) {
  Rules rules = plain_rules();
  Milliseconds wait{0};
  bool was_refused = false;
  rules.until_login = [&](std::size_t, bool refused) {
    was_refused = refused;
    return wait;
  };
  Story story(rules);
  BOOST_TEST(story.starts.size() == 1U);
  BOOST_TEST(!was_refused);
  story.child_dies(failure(FailureClass::auth));
  wait = std::chrono::minutes(7);
  BOOST_TEST(!has<StartChild>(story.fire(Timer::retry)));
  BOOST_TEST(was_refused);
  BOOST_TEST((story.wait_of(Timer::retry) == wait));
  BOOST_TEST((story.state() == TunnelState::failed));
  wait = Milliseconds{0};
  BOOST_TEST(has<StartChild>(story.fire(Timer::retry)));
}

BOOST_AUTO_TEST_CASE(ignores_a_late_answer) {
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
  BOOST_TEST(has<Quit>(story.give(StopRequested{})));
  BOOST_TEST((story.state() == TunnelState::stopped));
}

BOOST_AUTO_TEST_CASE(a_blocked_login_ends_with_its_reason) {
  Story story;
  BOOST_TEST(has<EndChild>(story.give(LoginBlocked{failure(FailureClass::agent)})));
  story.give(ChildExited{});
  BOOST_TEST((story.last_class() == FailureClass::agent));
  BOOST_TEST((story.state() == TunnelState::failed));
}

BOOST_AUTO_TEST_CASE(a_finished_login_is_not_blocked) {
  Story story;
  story.give(ControlReady{});
  BOOST_TEST(!has<EndChild>(story.give(LoginBlocked{failure(FailureClass::agent)})));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
