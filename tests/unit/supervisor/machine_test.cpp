// The machine, one story a test: what a user would lose if it went otherwise.
#include "world.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {

using store::ForwardState;
using store::TunnelState;

namespace {

using Holder = HolderAnswered::Kind;
using Probed = ProbeAnswered::Kind;

Diagnosis failure(FailureClass one) { return {one, std::string(to_text(one)), {}}; }

struct Story : World {
  explicit Story(Rules rules = plain_rules()) : World(std::move(rules)) { give(Started{}); }
  ~Story() { BOOST_TEST(broken == ""); }
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  [[nodiscard]] TunnelState state() const { return machine.view().state; }
  [[nodiscard]] FailureClass last_class() const {
    BOOST_REQUIRE(machine.view().last_error);
    return machine.view().last_error->failure;
  }
};

Rules standby_rules() {
  Rules rules = plain_rules();
  rules.standby = true;
  return rules;
}

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
    BOOST_TEST((story.wait_of(Timer::retry) <= k_second_look));
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

BOOST_AUTO_TEST_CASE(our_own_stale_port_is_knocked_at_and_asked_for_until_it_is_ours) {
  Rules rules = plain_rules();
  rules.held_before = true;
  Story story(rules);
  story.log_in();
  BOOST_TEST(has<LookForHolder>(story.refuse()));
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
  for (int tiding = 0; tiding < 1000; ++tiding) {
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
  rules.held_before = true;
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
      story.give(HolderAnswered{story.request, Holder::silent, failure(FailureClass::forward_busy)});
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
  rules.held_before = true;
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
    if (const auto* probe = std::get_if<Probe>(&action)) looked_longer = probe->long_look;
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

BOOST_AUTO_TEST_CASE(a_forward_that_is_taken_keeps_no_other_down) {
  Story story(plain_rules(2));
  story.log_in();
  story.refuse();
  BOOST_TEST(has<OpenForward>(story.held_by(HolderAnswered::Kind::held)));
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
  BOOST_TEST(!has<EndChild>(story.held_by(HolderAnswered::Kind::nobody)));
  story.refuse();
  BOOST_TEST(!has<EndChild>(story.held_by(HolderAnswered::Kind::nobody)));
  BOOST_TEST((story.state() == TunnelState::failed));
  BOOST_TEST((story.machine.view().forwards[1] == ForwardState::denied));
  BOOST_TEST((story.wait_of(Timer::ask_again) == k_shortest_slow));
}

BOOST_AUTO_TEST_CASE(a_knock_that_is_of_no_use_is_told_once_the_port_is_still_taken) {
  Story story;
  story.log_in();
  story.refuse();
  story.held_by(HolderAnswered::Kind::held);
  const Diagnosis useless{FailureClass::forward_busy, "no use", "a hint"};
  story.give(KnockAnswered{.gone = true, .why = useless});
  story.fire(Timer::ask_again);
  BOOST_TEST(has<LookForHolder>(story.refuse()));
  story.held_by(HolderAnswered::Kind::silent);
  BOOST_TEST((story.machine.view().last_error == useless));
  story.fire(Timer::ask_again);
  BOOST_TEST(!has<LookForHolder>(story.refuse()));
  story.fire(Timer::ask_again);
  story.grant();
  story.probe_says(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_stop_while_waiting_ends_at_once) {
  Story story;
  story.child_dies(failure(FailureClass::dns));
  BOOST_TEST(has<Quit>(story.give(StopAsked{})));
  BOOST_TEST((story.state() == TunnelState::stopped));
}

// --- one ssh, two supervisors

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
