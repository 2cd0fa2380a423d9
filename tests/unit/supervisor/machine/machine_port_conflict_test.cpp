// A busy port: held by this tunnel's stale session, by another process, or by another host of the same tunnel.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

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
    answer_port_holder(Holder::held);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_port_conflict)

BOOST_AUTO_TEST_CASE(a_stale_port_is_knocked_at_until_it_is_granted) {
  Rules rules = plain_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  BOOST_TEST(has<FindPortHolder>(story.refuse()));
  BOOST_TEST(has<Knock>(story.answer_port_holder(Holder::held)));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));
  BOOST_TEST((story.wait_of(Timer::forward_retry) == k_after_knock));
  story.fire(Timer::forward_retry);
  story.refuse();
  BOOST_TEST((story.wait_of(Timer::forward_retry) == std::chrono::seconds(1)));
  story.fire(Timer::forward_retry);
  story.grant();
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);  // no second login
}

BOOST_AUTO_TEST_CASE(a_port_busy_for_hours_is_requested_less_often) {
  Story story;
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::held);
  int requests = 0;
  const TimePoint begin = story.now;
  while (story.now - begin < std::chrono::hours(2)) {
    story.fire(Timer::forward_retry);
    story.refuse();
    ++requests;
  }
  BOOST_TEST(requests > 500);
  BOOST_TEST(requests < 900);
  BOOST_TEST((story.wait_of(Timer::forward_retry) == std::chrono::seconds(15)));
}

BOOST_AUTO_TEST_CASE(a_busy_port_means_standby_with_host_any) {
  Standby story;
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!story.machine.view().last_error);  // no action is needed
}

BOOST_AUTO_TEST_CASE(a_standby_gets_a_free_port_within_fifteen_seconds) {
  for (const double chance : {0.0, 0.5, 0.999}) {
    Standby story;
    for (int times = 0; times < 100; ++times) {
      BOOST_TEST((story.wait_of(Timer::forward_retry) <= std::chrono::seconds(13)));
      story.fire(Timer::forward_retry, chance);
      story.give(ForwardAnswered{story.request, ForwardAnswered::Kind::refused}, chance);
      if (story.request != 0) story.answer_port_holder(Holder::held);  // once a minute it probes the holder
    }
    story.fire(Timer::forward_retry, chance);
    story.grant();
    story.answer_probe(Probed::verified);
    BOOST_TEST((story.state() == TunnelState::up));
    BOOST_TEST(story.starts.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_flapping_network_does_not_speed_up_a_standby) {
  Standby story;
  int requests = 0;
  for (int event = 0; event < 1000; ++event) {
    story.pass(std::chrono::milliseconds(10));
    if (!has<OpenForward>(story.give(NetworkChanged{}))) continue;
    ++requests;
    story.refuse();
  }
  BOOST_TEST(requests <= 10);
}

BOOST_AUTO_TEST_CASE(a_standby_stands_by_again_after_ssh_dies) {
  Standby story;
  story.child_dies(failure(FailureClass::dead_peer));
  BOOST_TEST((story.state() == TunnelState::waiting));
  story.fire(Timer::retry);
  story.stand_by();
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_standby_reclaims_only_its_own_stale_port) {
  Rules rules = standby_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  story.refuse();
  BOOST_TEST(has<Knock>(story.answer_port_holder(Holder::held)));
  BOOST_TEST((story.state() == TunnelState::waiting));
  story.answer_knock(true);  // no stale session: another host has the port
  story.fire(Timer::forward_retry);
  BOOST_TEST(!has<Knock>(story.refuse()));
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_standby_reports_a_port_held_for_a_dead_host) {
  Standby story;
  for (int times = 0; times < 20; ++times) {
    story.fire(Timer::forward_retry);
    story.refuse();
    if (story.request != 0)
      story.give(PortHolderAnswered{
          .request = story.request, .kind = Holder::silent, .why = failure(FailureClass::forward_busy)});
    BOOST_TEST((story.wait_of(Timer::forward_retry) <= std::chrono::seconds(13)));
  }
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));
  while (story.request == 0) {
    story.fire(Timer::forward_retry);
    story.refuse();
  }
  story.answer_port_holder(Holder::held);
  BOOST_TEST(!story.machine.view().last_error);
}

BOOST_AUTO_TEST_CASE(a_standby_needs_no_permission_to_probe_the_port) {
  Story story(standby_rules());
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::prohibited);
  BOOST_TEST((story.state() == TunnelState::standby));
}

BOOST_AUTO_TEST_CASE(a_refused_free_port_is_forbidden) {
  Story story;
  story.log_in();
  story.refuse();
  BOOST_TEST(has<OpenForward>(story.answer_port_holder(Holder::free)));  // it may have been released in between
  story.refuse();
  BOOST_TEST(has<EndChild>(story.answer_port_holder(Holder::free)));
  story.child_dies();
  BOOST_TEST((story.state() == TunnelState::failed));
  BOOST_TEST((story.last_class() == FailureClass::forward_denied));
}

BOOST_AUTO_TEST_CASE(a_forbidden_probe_means_busy_where_the_port_was_held) {
  Rules rules = plain_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::prohibited);
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));

  Story fresh;
  fresh.log_in();
  fresh.refuse();
  fresh.answer_port_holder(Holder::prohibited);
  BOOST_TEST((fresh.last_class() == FailureClass::forward_denied));
}

// AllowTcpForwarding was switched off: this sshd session keeps it, even when the bastion allows it again.
BOOST_AUTO_TEST_CASE(a_port_that_stays_prohibited_is_denied_and_logged_in_for_again) {
  Rules rules = plain_rules();
  rules.previously_held = {true};
  Story story(rules);
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::prohibited);
  const TimePoint begin = story.now;
  while (story.child && !story.end_requested && story.now - begin < std::chrono::minutes(15)) {
    story.fire(Timer::forward_retry);
    story.refuse();
    if (story.request != 0) story.answer_port_holder(Holder::prohibited);
  }
  BOOST_TEST((story.now - begin <= std::chrono::minutes(2)));
  BOOST_TEST((story.now - begin >= std::chrono::seconds(45)));  // a stale session may hold it that long
  for (int login = 0; login < 30; ++login) {
    story.child_dies();
    BOOST_TEST((story.state() == TunnelState::failed));
    BOOST_TEST((story.last_class() == FailureClass::forward_denied));
    BOOST_TEST((story.wait_of(Timer::retry) <= k_denied_retry));
    story.fire(Timer::retry);
    story.log_in();
    story.refuse();
    BOOST_TEST(has<EndChild>(story.answer_port_holder(Holder::prohibited)));
  }
  story.child_dies();
  story.fire(Timer::retry);
  story.bring_up();
  BOOST_TEST((story.state() == TunnelState::up));
}

// The key allows no probe at all: the tunnel was up, but not verified.
BOOST_AUTO_TEST_CASE(a_prohibited_port_says_nothing_where_every_probe_is) {
  Story story;
  story.log_in();
  story.grant();
  ProbeAnswered forbidden;
  forbidden.request = story.request;
  forbidden.kind = Probed::unproven;
  forbidden.forwards = {ForwardState::up};
  forbidden.why = failure(FailureClass::forward_denied);
  story.give(forbidden);
  story.child_dies();
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::prohibited);
  const TimePoint begin = story.now;
  while (story.now - begin < std::chrono::minutes(10)) {
    story.fire(Timer::forward_retry);
    story.refuse();
    BOOST_REQUIRE(story.request == 0U);
  }
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));
}

// ssh keeps a record of each refused request.
BOOST_AUTO_TEST_CASE(a_standby_logs_in_anew_after_thousands_of_refusals) {
  Standby story;
  int refusals = 1;
  while (story.starts.size() == 1U && refusals < 10 * k_most_refusals) {
    const Actions actions = story.fire(Timer::forward_retry);
    if (has<EndChild>(actions)) {
      BOOST_TEST(has<StartChild>(story.child_dies()));
      break;
    }
    story.refuse();
    ++refusals;
    if (story.request != 0) story.answer_port_holder(Holder::held);
  }
  BOOST_TEST(refusals == k_most_refusals);
  story.stand_by();
  BOOST_TEST((story.state() == TunnelState::standby));
  BOOST_TEST(!has<EndChild>(story.fire(Timer::forward_retry)));
}

BOOST_AUTO_TEST_CASE(an_open_forward_is_not_closed_for_a_new_login) {
  Story story(plain_rules(2));
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::held);
  story.grant();
  for (int refusal = 0; refusal < 2 * k_most_refusals; ++refusal) {
    const bool probe_is_due =
        story.is_set(Timer::probe) && story.wait_of(Timer::probe) < story.wait_of(Timer::forward_retry);
    if (probe_is_due) {
      story.fire(Timer::probe);
      story.answer_probe(Probed::verified);
    }
    BOOST_REQUIRE(!has<EndChild>(story.fire(Timer::forward_retry)));
    story.refuse();
  }
  BOOST_TEST(story.starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_busy_port_does_not_block_other_forwards) {
  Story story(plain_rules(2));
  story.log_in();
  story.refuse();
  BOOST_TEST(has<OpenForward>(story.answer_port_holder(PortHolderAnswered::Kind::held)));
  BOOST_TEST(has<Knock>(story.grant()));
  BOOST_TEST((story.state() == TunnelState::waiting));
  BOOST_TEST((story.machine.view().forwards[0] == ForwardState::busy));
  // The open forward is probed, then the busy port is requested again.
  story.give(TimerFired{Timer::probe});
  story.answer_probe(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.machine.view().forwards[1] == ForwardState::up));
  BOOST_TEST((story.state() == TunnelState::degraded));
  BOOST_TEST(has<OpenForward>(story.fire(Timer::forward_retry)));
  story.grant();
  story.answer_probe(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_forbidden_forward_keeps_the_open_ones) {
  Story story;
  story.bring_up();
  story.give(ForwardsChanged{{0, std::nullopt}});
  story.confirm_closed();
  story.refuse();
  BOOST_TEST(!has<EndChild>(story.answer_port_holder(PortHolderAnswered::Kind::free)));
  story.refuse();
  BOOST_TEST(!has<EndChild>(story.answer_port_holder(PortHolderAnswered::Kind::free)));
  BOOST_TEST((story.state() == TunnelState::degraded));
  BOOST_TEST((story.machine.view().forwards[1] == ForwardState::denied));
  BOOST_TEST((story.wait_of(Timer::forward_retry) == k_shortest_slow));
}

BOOST_AUTO_TEST_CASE(a_failed_knock_is_reported_while_the_port_stays_busy) {
  Story story;
  story.log_in();
  story.refuse();
  story.answer_port_holder(PortHolderAnswered::Kind::held);
  const Diagnosis knock_failure{FailureClass::forward_busy, "cannot be freed", "a hint"};
  story.give(KnockAnswered{.session_gone = true, .why = knock_failure});
  story.fire(Timer::forward_retry);
  BOOST_TEST(has<FindPortHolder>(story.refuse()));
  story.answer_port_holder(PortHolderAnswered::Kind::silent);
  BOOST_TEST((story.machine.view().last_error == knock_failure));
  story.fire(Timer::forward_retry);
  BOOST_TEST(!has<FindPortHolder>(story.refuse()));
  story.fire(Timer::forward_retry);
  story.grant();
  story.answer_probe(ProbeAnswered::Kind::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_CASE(a_busy_port_beside_a_working_one_is_degraded) {
  Story story(plain_rules(2));
  story.log_in();
  story.grant();
  story.refuse();
  story.answer_port_holder(Holder::held);
  BOOST_TEST((story.state() == TunnelState::waiting));  // the other one is not probed yet
  BOOST_TEST((story.wait_of(Timer::probe) == k_first_probe_in_conflict));
  BOOST_TEST(has<Probe>(story.fire(Timer::probe)));
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::degraded));
  BOOST_TEST((story.last_class() == FailureClass::forward_busy));
  story.fire(Timer::forward_retry);
  story.grant();
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
