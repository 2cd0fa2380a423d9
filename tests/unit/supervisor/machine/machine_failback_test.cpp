// Several bastions: the next one while one is down, and back to the first when it is well.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

Rules two() { return plain_rules(1, 2); }

/// The first is down, the second carries the tunnel.
struct Second : Story {
  explicit Second(Rules rules = two()) : Story(std::move(rules)) {
    child_dies(failure(FailureClass::refused));
    bring_up();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_bastions)

BOOST_AUTO_TEST_CASE(a_bastion_that_is_down_costs_the_way_to_the_next_and_no_wait) {
  for (const auto down : {FailureClass::dns, FailureClass::refused, FailureClass::timeout, FailureClass::unreachable,
                          FailureClass::closed, FailureClass::auth, FailureClass::host_key_changed}) {
    Story story(two());
    BOOST_TEST(has<StartChild>(story.child_dies(failure(down))));
    BOOST_TEST(story.bastion == 1U);
    story.bring_up();
    BOOST_TEST((story.state() == TunnelState::up));
    BOOST_TEST(story.machine.view().bastion == 1U);
    BOOST_TEST((story.last_class() == down));  // what is wrong with the first is told all the while
  }
}

BOOST_AUTO_TEST_CASE(when_all_are_down_it_waits_and_the_waits_grow) {
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

BOOST_AUTO_TEST_CASE(a_killed_ssh_is_replaced_at_once_and_where_it_was) {
  Second story;
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST(story.bastion == 1U);
}

// A whole fleet loses its bastion in one moment: the next one is not to see them all in that moment.
BOOST_AUTO_TEST_CASE(a_bastion_that_closes_on_all_is_come_back_to_spread_before_the_next_is_gone_to) {
  Story story(two());
  story.bring_up();
  BOOST_TEST(!has<StartChild>(story.child_dies(failure(FailureClass::closed))));
  story.fire(Timer::retry);
  BOOST_TEST(story.bastion == 0U);
  BOOST_TEST(has<StartChild>(story.child_dies(failure(FailureClass::refused))));
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(back_to_the_first_when_it_is_well_and_not_before) {
  Second story;
  BOOST_TEST(story.wait_of(Timer::failback_probe).count() >= k_shortest_failback_delay.count());
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
  BOOST_TEST((story.state() == TunnelState::up));  // beside the one that carries it
  story.failback_probe_says(failure(FailureClass::refused));
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.gone_to.size() == 2U);
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
  BOOST_TEST(has<EndChild>(story.failback_probe_says({})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  BOOST_TEST(story.bastion == 0U);
  story.bring_up();
  BOOST_TEST(!story.is_set(Timer::failback_probe));
}

BOOST_AUTO_TEST_CASE(the_path_that_is_back_hastens_the_trial) {
  Second story;
  story.fire(Timer::failback_probe);
  story.failback_probe_says(failure(FailureClass::unreachable));
  const auto before = story.wait_of(Timer::failback_probe);
  story.give(PathBack{0});
  BOOST_TEST((story.wait_of(Timer::failback_probe) < before));
  BOOST_TEST(has<StartFailbackProbe>(story.fire(Timer::failback_probe)));
}

BOOST_AUTO_TEST_CASE(a_first_bastion_that_comes_and_goes_is_trusted_less_and_less) {
  Second story;
  Milliseconds last{0};
  for (int times = 0; times < 8; ++times) {
    const auto wait = story.wait_of(Timer::failback_probe);
    BOOST_TEST((wait >= last));
    last = wait;
    while (!has<StartFailbackProbe>(story.fire(Timer::failback_probe))) {
    }
    story.failback_probe_says({});
    story.child_dies();
    story.bring_up();  // at the first
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

BOOST_AUTO_TEST_CASE(a_trial_under_way_ends_with_the_ssh_that_it_was_to_replace) {
  Second story;
  story.fire(Timer::failback_probe);
  BOOST_TEST(has<EndFailbackProbe>(story.child_dies()));
  story.give(FailbackProbeAnswered{0, {}});  // too late
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(a_refused_key_is_tried_slowly_though_the_second_carries_the_tunnel) {
  Story story(two());
  story.child_dies(failure(FailureClass::auth));
  story.bring_up();
  int tried = 0;
  const TimePoint begin = story.now;
  while (story.now - begin < std::chrono::hours(1)) {
    if (has<StartFailbackProbe>(story.fire(Timer::failback_probe))) {
      ++tried;
      story.failback_probe_says(failure(FailureClass::auth));
    }
  }
  BOOST_TEST(tried >= 1);
  BOOST_TEST(tried <= 14);  // with the first login: fifteen an hour
}

BOOST_AUTO_TEST_CASE(a_port_that_stays_taken_sends_the_tunnel_on_after_a_while) {
  Story story(two());
  story.log_in();
  story.refuse();
  story.held_by(Holder::held);
  const TimePoint begin = story.now;
  while (story.child && !story.end_asked) {
    story.fire(Timer::ask_again);
    story.refuse();
  }
  BOOST_TEST((story.now - begin >= k_port_conflict_here));
  story.child_dies();
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(a_standby_stays_where_the_port_is_and_tries_the_first) {
  Rules rules = two();
  rules.standby = true;
  Story story(rules);
  story.child_dies(failure(FailureClass::refused));
  story.log_in();
  story.refuse();
  story.held_by(Holder::held);
  BOOST_TEST((story.state() == TunnelState::standby));
  while (!has<StartFailbackProbe>(story.fire(Timer::failback_probe))) {
  }
  BOOST_TEST(has<EndChild>(story.failback_probe_says({})));
  story.child_dies();
  BOOST_TEST(story.bastion == 0U);
}

BOOST_AUTO_TEST_CASE(our_stale_session_is_known_by_bastion) {
  Rules rules = two();
  rules.previously_held = {true, false};
  Story story(rules);
  story.child_dies(failure(FailureClass::refused));
  story.log_in();
  story.refuse();
  story.held_by(Holder::prohibited);  // never held there: not allowed, as far as one can know
  BOOST_TEST((story.last_class() == FailureClass::forward_denied));
}

BOOST_AUTO_TEST_CASE(a_supervisor_that_takes_the_second_over_looks_for_the_first) {
  World world(two());
  world.give(Adopted{0, 1});
  world.grant();
  world.probe_says(Probed::verified);
  BOOST_TEST(world.machine.view().bastion == 1U);
  BOOST_TEST(world.is_set(Timer::failback_probe));
  BOOST_TEST(world.broken == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
