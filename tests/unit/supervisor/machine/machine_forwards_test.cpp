// Changes while ssh runs: of the forwards, and of the supervisor.
#include "story.hpp"

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(machine_change)

BOOST_AUTO_TEST_CASE(a_changed_file_starts_a_new_ssh_at_once) {
  Story story;
  story.bring_up();
  BOOST_TEST(has<EndChild>(story.give(Reloaded{2})));
  BOOST_TEST(has<StartChild>(story.child_dies()));
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(added_and_removed_forwards_keep_the_connection) {
  Story story(plain_rules(2));
  story.bring_up();
  const auto& actions = story.give(ForwardsChanged{{1, std::nullopt}});
  BOOST_TEST(!has<EndChild>(actions));
  BOOST_REQUIRE(has<ChangeForwards>(actions));
  BOOST_TEST(has<OpenForward>(story.confirm_closed()));
  BOOST_TEST((story.machine.view().forwards[0] == ForwardState::up));
  BOOST_TEST(has<Probe>(story.grant()));
  story.answer_probe(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_change_waits_for_the_pending_answer) {
  Story story(plain_rules(2));
  story.log_in();
  BOOST_TEST(!has<ChangeForwards>(story.give(ForwardsChanged{{std::nullopt}})));
  // The answer tells that the forward is open, so it is closed.
  BOOST_REQUIRE(has<ChangeForwards>(story.grant()));
  BOOST_TEST(has<OpenForward>(story.confirm_closed()));
}

BOOST_AUTO_TEST_CASE(a_change_without_a_connection_applies_to_the_next) {
  Story story;
  story.child_dies(failure(FailureClass::dns));
  BOOST_TEST(has<ChangeForwards>(story.give(ForwardsChanged{{0, std::nullopt}})));
  story.fire(Timer::retry);
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(an_adopted_ssh_is_up_after_a_probe_without_a_login) {
  World world(plain_rules(2));
  const auto& first = world.give(Adopted{3});
  BOOST_TEST(has<OpenForward>(first));
  BOOST_TEST(!has<StartChild>(first));
  BOOST_TEST((world.machine.view().state == TunnelState::connecting));
  world.grant();
  world.grant();
  world.answer_probe(Probed::verified);
  BOOST_TEST((world.machine.view().state == TunnelState::up));
  BOOST_TEST(world.machine.view().reconnects == 3U);
  BOOST_TEST(world.starts.empty());
  BOOST_TEST(world.violation == "");
}

BOOST_AUTO_TEST_CASE(an_adopted_ssh_that_fails_its_probe_is_replaced) {
  World world(plain_rules());
  world.give(Adopted{});
  world.grant();
  BOOST_TEST(has<EndChild>(world.answer_probe(Probed::lost)));
  BOOST_TEST(has<StartChild>(world.child_dies()));
  BOOST_TEST(world.machine.view().reconnects == 1U);
  BOOST_TEST(world.violation == "");
}

BOOST_AUTO_TEST_CASE(a_left_ssh_keeps_running_and_its_state_stays_up) {
  Story story;
  story.bring_up();
  const auto& last = story.give(StopRequested{.leave_child = true});
  BOOST_TEST(has<Quit>(last));
  BOOST_TEST(!has<EndChild>(last));
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.violation == "");
}

BOOST_AUTO_TEST_CASE(an_ssh_before_login_is_not_left_running) {
  Story story;
  const auto& last = story.give(StopRequested{.leave_child = true});
  BOOST_TEST(has<EndChild>(last));
  BOOST_TEST(!has<Quit>(last));
  BOOST_TEST(has<Quit>(story.child_dies()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
