// Several bastions: the next one while one is down, and failback to a better one.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

Rules two() { return plain_rules(1, 2); }

/// The first bastion is down, the second carries the tunnel.
struct Second : Story {
  explicit Second(Rules rules = two()) : Story(std::move(rules)) {
    child_dies(failure(FailureClass::refused));
    bring_up();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_failback)

BOOST_AUTO_TEST_CASE(a_failed_bastion_is_followed_by_the_next_at_once) {
  for (const auto down : {FailureClass::dns, FailureClass::refused, FailureClass::timeout, FailureClass::unreachable,
                          FailureClass::closed, FailureClass::auth, FailureClass::host_key_changed}) {
    Story story(two());
    BOOST_TEST(has<StartChild>(story.child_dies(failure(down))));
    BOOST_TEST(story.bastion == 1U);
    story.bring_up();
    BOOST_TEST((story.state() == TunnelState::up));
    BOOST_TEST(story.machine.view().bastion == 1U);
    BOOST_TEST((story.last_class() == down));  // the error of the first stays visible
  }
}

BOOST_AUTO_TEST_CASE(waits_grow_when_all_bastions_are_down) {
  Story story(two());
  Milliseconds longest{0};
  for (int round = 0; round < 8; ++round) {
    story.child_dies(failure(FailureClass::refused));
    if (story.child) story.child_dies(failure(FailureClass::refused));
    BOOST_REQUIRE((story.state() == TunnelState::waiting));
    longest = std::max(longest, story.wait_of(Timer::retry));
    story.fire(Timer::retry, 0.99);
  }
  BOOST_TEST((longest > std::chrono::seconds(20)));
}

BOOST_AUTO_TEST_CASE(a_killed_ssh_is_replaced_on_the_same_bastion) {
  Second story;
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST(story.bastion == 1U);
}

// A whole fleet loses its bastion at once: the next bastion must not see all of it at once.
BOOST_AUTO_TEST_CASE(a_closed_bastion_is_retried_before_the_next_one) {
  Story story(two());
  story.bring_up();
  BOOST_TEST(!has<StartChild>(story.child_dies(failure(FailureClass::closed))));
  story.fire(Timer::retry);
  BOOST_TEST(story.bastion == 0U);
  BOOST_TEST(has<StartChild>(story.child_dies(failure(FailureClass::refused))));
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(fails_back_after_a_successful_probe_only) {
  Second story;
  BOOST_TEST(story.wait_of(Timer::failback_probe).count() >= k_shortest_failback_delay.count());
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
  BOOST_TEST((story.state() == TunnelState::up));  // the probe runs beside it
  story.answer_failback_probe(failure(FailureClass::refused));
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.attempted_bastions.size() == 2U);
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
  BOOST_TEST(has<EndChild>(story.answer_failback_probe({})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST(story.bastion == 0U);
  story.bring_up();
  BOOST_TEST(!story.is_set(Timer::failback_probe));
}

BOOST_AUTO_TEST_CASE(a_restored_path_brings_the_failback_probe_forward) {
  Second story;
  story.fire(Timer::failback_probe);
  story.answer_failback_probe(failure(FailureClass::unreachable));
  const auto before = story.wait_of(Timer::failback_probe);
  story.give(PathRestored{0});
  BOOST_TEST((story.wait_of(Timer::failback_probe) < before));
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
}

BOOST_AUTO_TEST_CASE(each_short_failback_doubles_the_next_delay) {
  Second story;
  Milliseconds last{0};
  for (int times = 0; times < 8; ++times) {
    const auto wait = story.wait_of(Timer::failback_probe);
    BOOST_TEST((wait >= last));
    last = wait;
    while (!has<StartFailbackProbe>(story.fire(Timer::failback_probe))) {
    }
    story.answer_failback_probe({});
    story.child_dies();
    story.bring_up();  // on the first
    story.pass(std::chrono::seconds(20));
    story.child_dies(failure(FailureClass::dead_peer));
    while (story.bastion == 0U) {
      if (!story.child) story.fire(Timer::retry);
      story.child_dies(failure(FailureClass::timeout));
    }
    story.bring_up();
  }
  BOOST_TEST((last >= k_longest_failback_delay / 2));
}

BOOST_AUTO_TEST_CASE(a_failback_probe_ends_with_the_ssh) {
  Second story;
  story.fire(Timer::failback_probe);
  BOOST_TEST(has<EndFailbackProbe>(story.child_dies()));
  story.give(FailbackProbeAnswered{0, {}});  // too late
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(failback_probes_with_a_refused_key_are_rare) {
  Story story(two());
  story.child_dies(failure(FailureClass::auth));
  story.bring_up();
  int probes = 0;
  const TimePoint begin = story.now;
  while (story.now - begin < std::chrono::hours(1)) {
    if (has<StartFailbackProbe>(story.fire(Timer::failback_probe))) {
      ++probes;
      story.answer_failback_probe(failure(FailureClass::auth));
    }
  }
  BOOST_TEST(probes >= 1);
  BOOST_TEST(probes <= 14);  // with the first login: fifteen an hour
}

BOOST_AUTO_TEST_CASE(failback_probes_wait_for_the_logins_of_the_machine) {
  Milliseconds left{0};
  Rules rules = two();
  rules.until_login = [&](std::size_t bastion, bool) { return bastion == 0 ? left : Milliseconds{0}; };
  Second story(std::move(rules));
  left = std::chrono::minutes(9);
  BOOST_TEST(!has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
  BOOST_TEST((story.wait_of(Timer::failback_probe) >= left));
  left = Milliseconds{0};
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
}

BOOST_AUTO_TEST_CASE(a_port_that_stays_busy_moves_the_tunnel_on) {
  Story story(two());
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::held);
  const TimePoint begin = story.now;
  while (story.child && !story.end_requested) {
    story.fire(Timer::forward_retry);
    story.refuse();
  }
  BOOST_TEST((story.now - begin >= k_port_conflict_limit));
  story.child_dies();
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(a_standby_on_a_fallback_fails_back) {
  Rules rules = two();
  rules.standby = true;
  Story story(rules);
  story.child_dies(failure(FailureClass::refused));
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::held);
  BOOST_TEST((story.state() == TunnelState::standby));
  while (!has<StartFailbackProbe>(story.fire(Timer::failback_probe))) {
  }
  BOOST_TEST(has<EndChild>(story.answer_failback_probe({})));
  story.child_dies();
  BOOST_TEST(story.bastion == 0U);
}

BOOST_AUTO_TEST_CASE(a_stale_session_belongs_to_one_bastion) {
  Rules rules = two();
  rules.previously_held = {true, false};
  Story story(rules);
  story.child_dies(failure(FailureClass::refused));
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::prohibited);  // never held there: probably forbidden
  BOOST_TEST((story.last_class() == FailureClass::forward_denied));
}

BOOST_AUTO_TEST_CASE(an_adopted_fallback_plans_a_failback_probe) {
  World world(two());
  world.give(Adopted{0, 1});
  world.grant();
  world.answer_probe(Probed::verified);
  BOOST_TEST(world.machine.view().bastion == 1U);
  BOOST_TEST(world.is_set(Timer::failback_probe));
  BOOST_TEST(world.violation == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
