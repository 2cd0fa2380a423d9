// A firewall at the bastion that limits the rate of new connections, as `ufw limit ssh` does.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

using std::chrono::seconds;

Rules watched_rules(std::size_t bastions = 1) {
  Rules rules = plain_rules(1, bastions);
  rules.spread = [](std::size_t) { return RetrySpread{.slot = 0.75, .is_watched = true}; };
  rules.first_spread = k_careful_spread;
  return rules;
}

/// Was up until sshd ended.
struct Lost : Story {
  explicit Lost(Rules rules = watched_rules()) : Story(std::move(rules)) {
    bring_up();
    child_dies(failure(FailureClass::closed));
    give(PathRefused{});
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_limit)

BOOST_AUTO_TEST_CASE(a_rejection_after_a_reset_pauses_probes_and_logins) {
  Lost story;
  story.pass(seconds(2));
  const Actions actions = story.give(PathBlocked{0, true});
  BOOST_TEST(has<NoteLimit>(actions));
  BOOST_TEST(story.path_watched);
  BOOST_TEST((story.path.first_probe == seconds(31)));
  BOOST_TEST((story.wait_of(Timer::retry) >= seconds(31)));
  BOOST_TEST((story.state() == TunnelState::waiting));
}

BOOST_AUTO_TEST_CASE(silence_after_a_reset_pauses_as_well) {
  Lost story;
  BOOST_TEST(has<NoteLimit>(story.give(PathBlocked{0, false})));
  BOOST_TEST((story.path.first_probe == seconds(31)));
}

BOOST_AUTO_TEST_CASE(silence_alone_is_an_outage_not_a_limit) {
  Story story(watched_rules());
  story.bring_up();
  story.child_dies(failure(FailureClass::dead_peer));
  BOOST_TEST(story.give(PathBlocked{0, false}).empty());
  BOOST_TEST((story.path.first_probe == Milliseconds{0}));
}

BOOST_AUTO_TEST_CASE(a_login_clears_an_earlier_reset) {
  Lost story;
  story.give(PathRestored{});
  story.bring_up();
  story.child_dies(failure(FailureClass::dead_peer));
  BOOST_TEST(story.give(PathBlocked{0, false}).empty());
}

BOOST_AUTO_TEST_CASE(no_event_exceeds_the_limit) {
  Lost story;
  story.give(PathBlocked{0, true});
  story.pass(seconds(5));
  for (const Event& event : {Event(PathRestored{}), Event(ProbeRequested{}), Event(NetworkChanged{}), Event(Resumed{}),
                             Event(Reloaded{1, 1, false})}) {
    BOOST_TEST(!has<StartChild>(story.give(event)));
    BOOST_TEST((story.wait_of(Timer::retry) <= seconds(26)));
  }
  story.fire(Timer::retry);
  BOOST_TEST(story.child);
}

BOOST_AUTO_TEST_CASE(a_restored_path_brings_a_login_that_ends_the_limit) {
  Lost story;
  story.give(PathBlocked{0, true});
  story.pass(seconds(31));
  BOOST_TEST(has<StartChild>(story.give(PathRestored{})));
  BOOST_TEST(has<NoteLimit>(story.log_in()));
  BOOST_TEST(story.limited_connections(0) == 0U);
  story.grant();
  story.answer_probe(Probed::verified);
  BOOST_TEST(has<StartChild>(story.child_dies()));  // without a wait again
}

BOOST_AUTO_TEST_CASE(failed_logins_stay_thirty_seconds_apart) {
  Lost story;
  story.give(PathBlocked{0, true});
  story.pass(seconds(31));
  for (int login = 0; login < 5; ++login) {
    BOOST_TEST(has<StartChild>(story.give(PathRestored{})));
    story.child_dies(failure(FailureClass::closed));
    BOOST_TEST((story.path.first_probe == k_between_limited_probes));
    story.pass(seconds(10));
    BOOST_TEST(!has<StartChild>(story.give(PathRestored{})));
    story.pass(seconds(21));
    BOOST_TEST(story.limited_connections(0) <= 4U);
  }
}

BOOST_AUTO_TEST_CASE(a_failed_attempt_does_not_shorten_the_pause) {
  Lost story;
  story.fire(Timer::retry);
  story.give(PathBlocked{0, true});
  story.pass(seconds(2));
  story.child_dies(failure(FailureClass::refused));
  BOOST_TEST((story.path.first_probe == seconds(29)));
  BOOST_TEST((story.wait_of(Timer::retry) >= seconds(29)));
}

BOOST_AUTO_TEST_CASE(tries_another_bastion_during_the_pause) {
  Lost story(watched_rules(2));
  story.give(PathBlocked{0, true});
  BOOST_TEST(story.child);
  BOOST_TEST(story.bastion == 1U);
}

BOOST_AUTO_TEST_CASE(a_running_attempt_is_kept_while_the_limit_is_on) {
  Lost story;
  story.give(PathBlocked{0, true});
  story.fire(Timer::retry);
  story.pass(seconds(4));
  BOOST_TEST(!has<EndChild>(story.give(NetworkChanged{})));
}

BOOST_AUTO_TEST_CASE(obeys_a_stored_limit) {
  Rules rules = watched_rules();
  rules.no_login_before = {TimePoint(std::chrono::hours(1)) + seconds(20)};
  Story story(rules);
  BOOST_TEST(story.starts.empty());
  BOOST_TEST((story.wait_of(Timer::retry) == seconds(20)));
  BOOST_TEST(has<StartChild>(story.fire(Timer::retry)));
  BOOST_TEST(has<NoteLimit>(story.log_in()));
}

BOOST_AUTO_TEST_CASE(ignores_late_events_of_a_stopped_watch) {
  Story story(watched_rules());
  story.bring_up();
  BOOST_TEST(story.give(PathBlocked{0, true}).empty());
  story.give(PathRefused{});
  story.child_dies(failure(FailureClass::dead_peer));
  BOOST_TEST(story.give(PathBlocked{0, false}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
