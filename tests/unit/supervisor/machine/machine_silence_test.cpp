// A login that works, and then no answer.
#include "story.hpp"

#include "ssh/diagnosis/diagnosis.hpp"

namespace holdfast::supervisor {
namespace {

std::string hint_after(int silent_logins, Story& story) {
  for (int i = 0; i < silent_logins; ++i) {
    story.log_in();
    story.grant();
    story.answer_probe(Probed::silent);
    story.answer_probe(Probed::silent);
    story.child_dies();
    if (i + 1 < silent_logins && !story.child) story.fire(Timer::retry);
  }
  return story.machine.view().last_error.value().hint;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(machine_silence)

BOOST_AUTO_TEST_CASE(three_silent_logins_hint_at_dropped_marks) {
  Story two;
  BOOST_TEST(hint_after(2, two) != ssh::k_hint_for_lost_packets);
  Story three;
  BOOST_TEST(hint_after(3, three) == ssh::k_hint_for_lost_packets);
}

BOOST_AUTO_TEST_CASE(a_login_that_worked_makes_silence_an_outage) {
  Story story;
  (void)hint_after(2, story);
  if (!story.child) story.fire(Timer::retry);
  story.bring_up();
  story.child_dies(failure(FailureClass::dead_peer));
  if (!story.child) story.fire(Timer::retry);
  BOOST_TEST(hint_after(2, story) != ssh::k_hint_for_lost_packets);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
