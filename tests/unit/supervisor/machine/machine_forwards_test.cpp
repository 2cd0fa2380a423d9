// What changes while ssh runs: the forwards, and the supervisor.
#include "story.hpp"

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(machine_change)

BOOST_AUTO_TEST_CASE(a_changed_file_is_taken_by_a_new_ssh_at_once) {
  Story story;
  story.bring_up();
  BOOST_TEST(has<EndChild>(story.give(Reloaded{2})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_forward_that_comes_and_one_that_goes_cost_no_connection) {
  Story story(plain_rules(2));
  story.bring_up();
  const auto& actions = story.give(ForwardsChanged{{1, std::nullopt}});
  BOOST_TEST(!has<EndChild>(actions));
  BOOST_REQUIRE(has<ChangeForwards>(actions));
  BOOST_TEST(has<OpenForward>(story.closed()));
  BOOST_TEST((story.machine.view().forwards[0] == ForwardState::up));
  BOOST_TEST(has<Probe>(story.grant()));
  story.probe_says(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_change_waits_for_the_answer_under_way) {
  Story story(plain_rules(2));
  story.log_in();
  BOOST_TEST(!has<ChangeForwards>(story.give(ForwardsChanged{{std::nullopt}})));
  // Granted meanwhile: it is known to be open, and closed.
  BOOST_REQUIRE(has<ChangeForwards>(story.grant()));
  BOOST_TEST(has<OpenForward>(story.closed()));
}

BOOST_AUTO_TEST_CASE(a_change_without_a_connection_is_for_the_next_one) {
  Story story;
  story.child_dies(failure(FailureClass::dns));
  BOOST_TEST(has<ChangeForwards>(story.give(ForwardsChanged{{0, std::nullopt}})));
  story.fire(Timer::retry);
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(an_ssh_that_is_taken_over_is_up_without_a_login_once_it_was_probed) {
  World world(plain_rules(2));
  const auto& first = world.give(Adopted{3});
  BOOST_TEST(has<OpenForward>(first));
  BOOST_TEST(!has<StartChild>(first));
  BOOST_TEST((world.machine.view().state == TunnelState::connecting));
  world.grant();
  world.grant();
  world.probe_says(Probed::verified);
  BOOST_TEST((world.machine.view().state == TunnelState::up));
  BOOST_TEST(world.machine.view().reconnects == 3U);
  BOOST_TEST(world.starts.empty());
  BOOST_TEST(world.broken == "");
}

BOOST_AUTO_TEST_CASE(one_that_is_taken_over_and_carries_nothing_is_replaced_at_once) {
  World world(plain_rules());
  world.give(Adopted{});
  world.grant();
  BOOST_TEST(has<EndChild>(world.probe_says(Probed::lost)));
  BOOST_TEST(has<StartChild>(world.child_dies()));
  BOOST_TEST(world.machine.view().reconnects == 1U);
  BOOST_TEST(world.broken == "");
}

BOOST_AUTO_TEST_CASE(an_ssh_that_is_left_is_not_ended_and_nothing_untrue_is_said_of_it) {
  Story story;
  story.bring_up();
  const auto& last = story.give(StopAsked{.leave_child = true});
  BOOST_TEST(has<Quit>(last));
  BOOST_TEST(!has<EndChild>(last));
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.broken == "");
}

BOOST_AUTO_TEST_CASE(one_that_is_not_logged_in_is_worth_nothing_to_the_next) {
  Story story;
  const auto& last = story.give(StopAsked{.leave_child = true});
  BOOST_TEST(has<EndChild>(last));
  BOOST_TEST(!has<Quit>(last));
  BOOST_TEST(has<Quit>(story.child_dies()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
