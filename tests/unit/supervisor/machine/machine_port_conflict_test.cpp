// Ports that are taken: by our own stale session, by somebody else, by another host of the same tunnel.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

Rules standby_rules() {
  Rules rules = plain_rules();
  rules.standby = true;
  return rules;
}

Rules takeover_rules(bool standby = false) {
  Rules rules = plain_rules();
  rules.takeover = true;
  rules.standby = standby;
  return rules;
}

/// The port is taken, the knock was of no use, and the holder is looked at closely.
struct Stale : Story {
  explicit Stale(Rules rules = takeover_rules()) : Story(std::move(rules)) {
    log_in();
    refuse();
    held_by(Holder::held);
    give(KnockAnswered{.gone = true, .why = Diagnosis{FailureClass::forward_busy, "no use", {}}});
    fire(Timer::ask_again);
    BOOST_TEST(has<FindPortHolder>(refuse()));
  }
};

/// Another host has the port.
struct Standby : Story {
  Standby() : Story(standby_rules()) { stand_by(); }
  void stand_by() {
    log_in();
    refuse();
    held_by(Holder::held);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_contest)

BOOST_AUTO_TEST_CASE(our_own_stale_port_is_knocked_at_and_asked_for_until_it_is_ours) {
  Rules rules = plain_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  BOOST_TEST(has<FindPortHolder>(story.refuse()));
  BOOST_TEST(has<Knock>(story.held_by(Holder::held)));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));
  BOOST_TEST((story.wait_of(Timer::ask_again) == k_after_knock));
  story.fire(Timer::ask_again);
  story.refuse();
  BOOST_TEST((story.wait_of(Timer::ask_again) == std::chrono::seconds(1)));
  story.fire(Timer::ask_again);
  story.grant();
  story.probe_says(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);  // no second login
}

BOOST_AUTO_TEST_CASE(a_port_held_for_hours_is_asked_for_less_and_less) {
  Story story;
  story.log_in();
  story.refuse();
  story.held_by(Holder::held);
  int asked = 0;
  const TimePoint begin = story.now;
  while (story.now - begin < std::chrono::hours(2)) {
    story.fire(Timer::ask_again);
    story.refuse();
    ++asked;
  }
  BOOST_TEST(asked > 500);
  BOOST_TEST(asked < 900);
  BOOST_TEST((story.wait_of(Timer::ask_again) == std::chrono::seconds(15)));
}

BOOST_AUTO_TEST_CASE(a_taken_port_means_standing_by_when_any_host_may_have_it) {
  Standby story;
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!story.machine.view().last_error);  // nothing for a person to do
}

BOOST_AUTO_TEST_CASE(a_standby_has_the_port_within_fifteen_seconds_after_it_is_free_and_without_a_login) {
  for (const double chance : {0.0, 0.5, 0.999}) {
    Standby story;
    for (int times = 0; times < 100; ++times) {
      BOOST_TEST((story.wait_of(Timer::ask_again) <= std::chrono::seconds(13)));
      story.fire(Timer::ask_again, chance);
      story.give(ForwardAnswered{story.request, ForwardAnswered::Kind::refused}, chance);
      if (story.request != 0) story.held_by(Holder::held);  // once a minute it looks at who has it
    }
    story.fire(Timer::ask_again, chance);
    story.grant();
    story.probe_says(Probed::verified);
    BOOST_TEST((story.state() == TunnelState::up));
    BOOST_TEST(story.starts.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_flapping_network_does_not_make_a_standby_ask_in_a_storm) {
  Standby story;
  int asked = 0;
  for (int event = 0; event < 1000; ++event) {
    story.pass(std::chrono::milliseconds(10));
    if (!has<OpenForward>(story.give(NetworkGained{}))) continue;
    ++asked;
    story.refuse();
  }
  BOOST_TEST(asked <= 10);
}

BOOST_AUTO_TEST_CASE(a_standby_whose_ssh_dies_stands_by_again) {
  Standby story;
  story.child_dies(failure(FailureClass::dead_peer));
  BOOST_TEST((story.state() == TunnelState::waiting));
  story.fire(Timer::retry);
  story.stand_by();
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_former_owner_reclaims_what_its_own_dead_session_holds_and_else_stands_by) {
  Rules rules = standby_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  story.refuse();
  BOOST_TEST(has<Knock>(story.held_by(Holder::held)));
  BOOST_TEST((story.state() == TunnelState::waiting));
  story.knock_says(true);  // no such session is there: it is another host's
  story.fire(Timer::ask_again);
  BOOST_TEST(!has<Knock>(story.refuse()));
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_standby_tells_when_the_port_is_held_for_a_host_that_is_gone) {
  Standby story;
  for (int times = 0; times < 20; ++times) {
    story.fire(Timer::ask_again);
    story.refuse();
    if (story.request != 0)
      story.give(PortHolderAnswered{
          .request = story.request, .kind = Holder::silent, .why = failure(FailureClass::forward_busy)});
    BOOST_TEST((story.wait_of(Timer::ask_again) <= std::chrono::seconds(13)));
  }
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));
  while (story.request == 0) {
    story.fire(Timer::ask_again);
    story.refuse();
  }
  story.held_by(Holder::held);
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_standby_that_may_not_look_who_has_the_port_stands_by_all_the_same) {
  Story story(standby_rules());
  story.log_in();
  story.refuse();
  story.held_by(Holder::prohibited);
  BOOST_TEST((story.state() == TunnelState::standby));
}

BOOST_AUTO_TEST_CASE(a_forward_that_is_refused_though_nobody_has_it_is_forbidden) {
  Story story;
  story.log_in();
  story.refuse();
  BOOST_TEST(has<OpenForward>(story.held_by(Holder::nobody)));  // freed in between, perhaps
  story.refuse();
  BOOST_TEST(has<EndChild>(story.held_by(Holder::nobody)));
  story.child_dies();
  BOOST_TEST((story.state() == TunnelState::failed));
  BOOST_TEST((story.last_class() == FailureClass::forward_denied));
}

BOOST_AUTO_TEST_CASE(what_was_allowed_before_is_not_called_forbidden_because_one_may_not_look) {
  Rules rules = plain_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  story.refuse();
  story.held_by(Holder::prohibited);
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));

  Story fresh;
  fresh.log_in();
  fresh.refuse();
  fresh.held_by(Holder::prohibited);
  BOOST_TEST((fresh.last_class() == FailureClass::forward_denied));
}

BOOST_AUTO_TEST_CASE(a_forward_that_is_taken_keeps_no_other_down) {
  Story story(plain_rules(2));
  story.log_in();
  story.refuse();
  BOOST_TEST(has<OpenForward>(story.held_by(PortHolderAnswered::Kind::held)));
  BOOST_TEST(has<Knock>(story.grant()));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.machine.view().forwards[0] == ForwardState::busy));
  // What is open is looked at meanwhile, and the taken one asked for after that.
  story.give(TimerFired{Timer::probe});
  story.probe_says(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.machine.view().forwards[1] == ForwardState::up));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST(has<OpenForward>(story.fire(Timer::ask_again)));
  story.grant();
  story.probe_says(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_forward_that_is_forbidden_ends_nothing_that_is_open) {
  Story story;
  story.bring_up();
  story.give(ForwardsChanged{{0, std::nullopt}});
  story.closed();
  story.refuse();
  BOOST_TEST(!has<EndChild>(story.held_by(PortHolderAnswered::Kind::nobody)));
  story.refuse();
  BOOST_TEST(!has<EndChild>(story.held_by(PortHolderAnswered::Kind::nobody)));
  BOOST_TEST((story.state() == TunnelState::failed));
  BOOST_TEST((story.machine.view().forwards[1] == ForwardState::denied));
  BOOST_TEST((story.wait_of(Timer::ask_again) == k_shortest_slow));
}

BOOST_AUTO_TEST_CASE(a_knock_that_is_of_no_use_is_told_once_the_port_is_still_taken) {
  Story story;
  story.log_in();
  story.refuse();
  story.held_by(PortHolderAnswered::Kind::held);
  const Diagnosis useless{FailureClass::forward_busy, "no use", "a hint"};
  story.give(KnockAnswered{.gone = true, .why = useless});
  story.fire(Timer::ask_again);
  BOOST_TEST(has<FindPortHolder>(story.refuse()));
  story.held_by(PortHolderAnswered::Kind::silent);
  BOOST_TEST((story.machine.view().last_error == useless));
  story.fire(Timer::ask_again);
  BOOST_TEST(!has<FindPortHolder>(story.refuse()));
  story.fire(Timer::ask_again);
  story.grant();
  story.probe_says(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_stale_session_that_no_knock_reaches_is_ended_on_the_bastion_where_that_is_asked_for) {
  Stale story;
  BOOST_TEST(has<TakeOver>(story.held_by(Holder::silent)));
  story.taken_over(true);
  BOOST_TEST((story.wait_of(Timer::ask_again) == k_after_knock));
  story.fire(Timer::ask_again);
  story.grant();
  story.probe_says(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(nothing_is_ended_on_the_bastion_that_was_not_asked_for) {
  Rules rules = takeover_rules();
  rules.takeover = false;
  Stale story(rules);
  BOOST_TEST(!has<TakeOver>(story.held_by(Holder::silent)));
}

BOOST_AUTO_TEST_CASE(whoever_answers_at_the_port_is_never_ended) {
  Stale story;
  const Diagnosis somebody{FailureClass::forward_busy, "an ssh server answers there", {}};
  BOOST_TEST(!has<TakeOver>(
      story.give(PortHolderAnswered{.request = story.request, .kind = Holder::held, .why = somebody, .lives = true})));
  BOOST_TEST((story.machine.view().last_error == somebody));
  const TimePoint begin = story.now;
  int looks = 0;
  while (story.now - begin < std::chrono::hours(1)) {
    story.fire(Timer::ask_again);
    if (!has<FindPortHolder>(story.refuse())) continue;
    ++looks;  // each is a connection without a login to the holder's target
    BOOST_TEST(!has<TakeOver>(story.held_by(Holder::held, true)));
  }
  BOOST_TEST(looks >= 20);
  BOOST_TEST(looks <= 30);
}

BOOST_AUTO_TEST_CASE(a_bastion_that_cannot_be_asked_is_not_given_commands) {
  for (const auto kind : {Holder::nobody, Holder::prohibited, Holder::no_reply}) {
    Stale story;
    BOOST_TEST(!has<TakeOver>(story.held_by(kind)));
  }
}

BOOST_AUTO_TEST_CASE(a_takeover_that_frees_nothing_says_why_and_comes_again_once_in_two_minutes) {
  Stale story;
  story.held_by(Holder::silent);
  const Diagnosis why{FailureClass::forward_busy, "it runs no command for this key", "a hint"};
  story.give(TakeoverAnswered{.request = story.request, .freed = false, .why = why});
  BOOST_TEST((story.machine.view().last_error == why));
  BOOST_TEST((story.state() == TunnelState::waiting));
  const TimePoint begin = story.now;
  int takeovers = 0;
  while (story.now - begin < std::chrono::hours(1)) {
    story.fire(Timer::ask_again);
    if (!has<FindPortHolder>(story.refuse())) continue;
    BOOST_TEST(has<TakeOver>(story.held_by(Holder::silent)));
    story.give(TakeoverAnswered{.request = story.request, .freed = false, .why = why});
    BOOST_TEST((story.machine.view().last_error == why));
    ++takeovers;
  }
  BOOST_TEST(takeovers >= 20);
  BOOST_TEST(takeovers <= 30);
}

BOOST_AUTO_TEST_CASE(a_knock_that_is_not_answered_has_five_seconds_before_a_command_is_run) {
  Story story(takeover_rules());
  story.log_in();
  story.refuse();
  story.held_by(Holder::held);
  const TimePoint begin = story.now;
  do {
    story.knock_says(false);
    story.fire(Timer::ask_again);
  } while (!has<FindPortHolder>(story.refuse()));
  BOOST_TEST((story.now - begin >= k_before_takeover));
  BOOST_TEST((story.now - begin < k_before_takeover + std::chrono::seconds(2)));
  BOOST_TEST(has<TakeOver>(story.held_by(Holder::silent)));
}

BOOST_AUTO_TEST_CASE(a_standby_ends_its_own_former_session_when_the_owner_is_silent_and_never_one_that_answers) {
  Story story(takeover_rules(true));
  story.log_in();
  story.refuse();
  story.held_by(Holder::held);
  BOOST_TEST((story.state() == TunnelState::standby));
  bool asked = false;
  for (int times = 0; times < 30 && !asked; ++times) {
    story.fire(Timer::ask_again);
    if (!has<FindPortHolder>(story.refuse())) continue;
    BOOST_TEST(!has<TakeOver>(story.held_by(Holder::held, true)));
    while (!has<FindPortHolder>(story.fire(Timer::ask_again)) && !has<FindPortHolder>(story.refuse())) continue;
    asked = has<TakeOver>(
        story.give(PortHolderAnswered{.request = story.request, .kind = Holder::silent, .why = std::nullopt}));
    if (asked) story.taken_over(false);
  }
  BOOST_TEST((story.state() == TunnelState::standby));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
