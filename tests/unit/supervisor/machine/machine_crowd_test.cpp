// The first login after a shared loss comes at once, until the bastion has dropped one.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

using std::chrono::seconds;

Rules watched_rules(std::size_t bastions = 1) {
  Rules rules = plain_rules(1, bastions);
  rules.spread = [](std::size_t) { return RetrySpread{.slot = 0.5, .is_watched = true}; };
  return rules;
}

/// Up for longer than a second.
struct Up : Story {
  explicit Up(Rules rules = watched_rules()) : Story(std::move(rules)) { come_up(); }
  void come_up() {
    bring_up();
    pass(seconds(5));
  }
  const Actions& close() { return child_dies(failure(FailureClass::closed)); }
  /// sshd ends and returns; the login that follows is dropped.
  const Actions& drop_after_return() {
    close();
    give(PathRefused{});
    give(PathRestored{});
    return close();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_crowd)

BOOST_AUTO_TEST_CASE(a_tunnel_without_a_crowd_logs_in_at_once) {
  Up story;
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(100)));
  BOOST_TEST((story.path.spread == k_optimistic_spread));
}

BOOST_AUTO_TEST_CASE(a_dropped_login_takes_its_slot_and_notes_the_crowd) {
  Up story;
  BOOST_TEST(has<NoteCrowd>(story.drop_after_return()));
  BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(3400)));
  BOOST_TEST((story.path.spread == k_careful_spread));
}

BOOST_AUTO_TEST_CASE(a_known_crowd_spreads_the_next_return) {
  Up story;
  story.drop_after_return();
  story.fire(Timer::retry);
  story.come_up();
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == seconds(3)));
  BOOST_TEST((story.path.spread == k_careful_spread));
}

BOOST_AUTO_TEST_CASE(a_crowd_is_forgotten_after_thirty_quiet_days) {
  Up story;
  story.drop_after_return();
  story.fire(Timer::retry);
  story.come_up();
  story.pass(k_crowd_memory);
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(100)));
}

BOOST_AUTO_TEST_CASE(obeys_a_stored_crowd) {
  Rules rules = watched_rules();
  rules.known_crowds = {TimePoint(std::chrono::hours(1)) + k_crowd_memory};
  Up story(rules);
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == seconds(3)));
}

BOOST_AUTO_TEST_CASE(a_setting_starts_careful) {
  Rules rules = watched_rules();
  rules.first_spread = k_careful_spread;
  Up story(rules);
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == seconds(3)));
}

BOOST_AUTO_TEST_CASE(a_bastion_that_shuts_down_shows_no_crowd) {
  Up story;
  story.close();
  story.fire(Timer::retry);
  BOOST_TEST(!has<NoteCrowd>(story.close()));
  story.give(PathRefused{});
  BOOST_TEST(has<StartChild>(story.give(PathRestored{})));
  BOOST_TEST(!has<NoteCrowd>(story.log_in()));
  BOOST_TEST((story.path.spread == k_optimistic_spread || !story.path.on));
}

// Every session was closed, but sshd kept running.
BOOST_AUTO_TEST_CASE(a_drop_without_a_refusal_is_noted_with_the_next_login) {
  Up story;
  story.close();
  story.fire(Timer::retry);
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(3400)));
  story.fire(Timer::retry);
  BOOST_TEST(has<NoteCrowd>(story.log_in()));
}

BOOST_AUTO_TEST_CASE(a_full_bastion_after_a_local_drop_shows_no_crowd) {
  Up story;
  story.child_dies();
  BOOST_TEST(!has<NoteCrowd>(story.close()));
  BOOST_TEST((story.wait_of(Timer::retry) <= k_quick_retry));
  story.fire(Timer::retry);
  BOOST_TEST(!has<NoteCrowd>(story.log_in()));
}

BOOST_AUTO_TEST_CASE(a_crowd_at_the_fallback_spreads_the_next_loss) {
  Up story(watched_rules(2));
  story.close();
  story.fire(Timer::retry);
  BOOST_TEST(has<StartChild>(story.child_dies(failure(FailureClass::refused))));  // to the fallback, as all tunnels do
  BOOST_TEST(story.bastion == 1U);
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(3400)));
  story.fire(Timer::retry);
  BOOST_TEST(has<NoteCrowd>(story.log_in()));
  story.grant();
  story.answer_probe(Probed::verified);
  story.pass(seconds(5));
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == seconds(3)));
}

BOOST_AUTO_TEST_CASE(other_bastions_have_crowds_of_their_own) {
  Up story;
  story.drop_after_return();
  story.give(Reloaded{1, 1, true});
  story.come_up();
  story.close();
  BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(100)));
}

// A login may meet the closed port before the first SYN probe does.
BOOST_AUTO_TEST_CASE(a_refusal_that_ssh_reported_is_logged_once) {
  Up story;
  story.close();
  story.fire(Timer::retry);
  story.child_dies(Diagnosis{FailureClass::refused, "ssh's words", {}});
  const auto errors = story.machine.view().errors;
  story.give(PathRefused{});
  BOOST_TEST(story.machine.view().errors == errors);
  BOOST_TEST(story.machine.view().reason == "ssh's words");
}

BOOST_AUTO_TEST_CASE(a_bastion_that_closes_each_connection_sees_one_login_a_second) {
  Story story(watched_rules());
  for (int drop = 0; drop < 5; ++drop) {
    story.bring_up();
    story.pass(Milliseconds(300));
    story.child_dies(failure(FailureClass::closed));
    BOOST_TEST((story.wait_of(Timer::retry) == Milliseconds(700)));
    story.fire(Timer::retry);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
