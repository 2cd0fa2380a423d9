// A stale session that is ended by a command on the bastion.
#include "story.hpp"

namespace holdfast::supervisor {
namespace {

Rules takeover_rules(bool standby = false) {
  Rules rules = plain_rules();
  rules.takeover = true;
  rules.standby = standby;
  return rules;
}

/// The port is busy, the knock failed, and the target behind the port is being probed.
struct Stale : Story {
  explicit Stale(Rules rules = takeover_rules()) : Story(std::move(rules)) {
    log_in();
    refuse();
    answer_port_holder(Holder::held);
    give(KnockAnswered{.session_gone = true, .why = Diagnosis{FailureClass::forward_busy, "cannot be freed", {}}});
    fire(Timer::forward_retry);
    BOOST_TEST(has<FindPortHolder>(refuse()));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_takeover)

BOOST_AUTO_TEST_CASE(takeover_frees_a_port_that_a_knock_cannot_free) {
  Stale story;
  BOOST_TEST(has<TakeOver>(story.answer_port_holder(Holder::silent)));
  story.answer_takeover(true);
  BOOST_TEST((story.wait_of(Timer::forward_retry) == k_after_knock));
  story.fire(Timer::forward_retry);
  story.grant();
  story.answer_probe(Probed::verified);
  BOOST_TEST((story.state() == TunnelState::up));
  BOOST_TEST(story.starts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(takeover_is_off_unless_the_tunnel_asks_for_it) {
  Rules rules = takeover_rules();
  rules.takeover = false;
  Stale story(rules);
  BOOST_TEST(!has<TakeOver>(story.answer_port_holder(Holder::silent)));
}

BOOST_AUTO_TEST_CASE(a_holder_that_responds_is_never_taken_over) {
  Stale story;
  const Diagnosis holder{FailureClass::forward_busy, "an ssh server answers there", {}};
  BOOST_TEST(!has<TakeOver>(
      story.give(PortHolderAnswered{.request = story.request, .kind = Holder::held, .why = holder, .responds = true})));
  BOOST_TEST((story.machine.view().last_error == holder));
  const TimePoint begin = story.now;
  int probes = 0;
  while (story.now - begin < std::chrono::hours(1)) {
    story.fire(Timer::forward_retry);
    if (!has<FindPortHolder>(story.refuse())) continue;
    ++probes;  // each one is a connection to the holder's target
    BOOST_TEST(!has<TakeOver>(story.answer_port_holder(Holder::held, true)));
  }
  BOOST_TEST(probes >= 20);
  BOOST_TEST(probes <= 30);
}

BOOST_AUTO_TEST_CASE(no_takeover_without_a_known_holder) {
  for (const auto kind : {Holder::free, Holder::prohibited, Holder::no_reply}) {
    Stale story;
    BOOST_TEST(!has<TakeOver>(story.answer_port_holder(kind)));
  }
}

BOOST_AUTO_TEST_CASE(a_failed_takeover_is_explained_and_retried_in_two_minutes) {
  Stale story;
  story.answer_port_holder(Holder::silent);
  const Diagnosis why{FailureClass::forward_busy, "it runs no command for this key", "a hint"};
  story.give(TakeoverAnswered{.request = story.request, .freed = false, .why = why});
  BOOST_TEST((story.machine.view().last_error == why));
  BOOST_TEST((story.state() == TunnelState::waiting));
  const TimePoint begin = story.now;
  int takeovers = 0;
  while (story.now - begin < std::chrono::hours(1)) {
    story.fire(Timer::forward_retry);
    if (!has<FindPortHolder>(story.refuse())) continue;
    BOOST_TEST(has<TakeOver>(story.answer_port_holder(Holder::silent)));
    story.give(TakeoverAnswered{.request = story.request, .freed = false, .why = why});
    BOOST_TEST((story.machine.view().last_error == why));
    ++takeovers;
  }
  BOOST_TEST(takeovers >= 20);
  BOOST_TEST(takeovers <= 30);
}

BOOST_AUTO_TEST_CASE(a_silent_knock_is_followed_by_takeover_after_five_seconds) {
  Story story(takeover_rules());
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::held);
  const TimePoint begin = story.now;
  do {
    story.answer_knock(false);
    story.fire(Timer::forward_retry);
  } while (!has<FindPortHolder>(story.refuse()));
  BOOST_TEST((story.now - begin >= k_before_takeover));
  BOOST_TEST((story.now - begin < k_before_takeover + std::chrono::seconds(2)));
  BOOST_TEST(has<TakeOver>(story.answer_port_holder(Holder::silent)));
}

BOOST_AUTO_TEST_CASE(a_standby_takes_over_only_a_silent_holder) {
  Story story(takeover_rules(true));
  story.log_in();
  story.refuse();
  story.answer_port_holder(Holder::held);
  BOOST_TEST((story.state() == TunnelState::standby));
  bool took_over = false;
  for (int times = 0; times < 30 && !took_over; ++times) {
    story.fire(Timer::forward_retry);
    if (!has<FindPortHolder>(story.refuse())) continue;
    BOOST_TEST(!has<TakeOver>(story.answer_port_holder(Holder::held, true)));
    while (!has<FindPortHolder>(story.fire(Timer::forward_retry)) && !has<FindPortHolder>(story.refuse())) continue;
    took_over = has<TakeOver>(
        story.give(PortHolderAnswered{.request = story.request, .kind = Holder::silent, .why = std::nullopt}));
    if (took_over) story.answer_takeover(false);
  }
  BOOST_TEST((story.state() == TunnelState::standby));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
