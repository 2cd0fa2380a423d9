#include "supervisor/machine/backoff.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(backoff)

BOOST_AUTO_TEST_CASE(waits_stay_within_their_bounds_for_every_chance) {
  for (const double chance : {0.0, 0.3, 0.999999}) {
    Backoff backoff;
    TimePoint now{};
    for (int attempt = 0; attempt < 100; ++attempt) {
      const Milliseconds soon = backoff.after(FailureClass::timeout, DropScope::none, now, chance);
      BOOST_TEST((soon >= k_shortest_wait && soon <= k_longest_soon));
      const Milliseconds steady = backoff.after(FailureClass::refused, DropScope::none, now, chance);
      BOOST_TEST((steady >= k_shortest_wait && steady <= k_longest_steady));
      const Milliseconds slow = backoff.after(FailureClass::auth, DropScope::none, now, chance);
      BOOST_TEST((slow >= (attempt < 2 ? k_first_early_retry * 3 / 4 : k_shortest_slow) && slow <= k_longest_slow));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusing_bastion_is_retried_in_our_slot_at_first) {
  Backoff backoff;
  const RetrySpread slot{.until_retry_slot = [] { return Milliseconds(4321); }};
  TimePoint now{};
  for (int attempt = 0; attempt < 15; ++attempt, now += Milliseconds(4321))
    BOOST_TEST((backoff.after(FailureClass::refused, DropScope::none, now, 0.5, slot) == Milliseconds(4321)));
  BOOST_TEST((backoff.after(FailureClass::refused, DropScope::none, now, 0.5, slot) < Milliseconds(4321)));
}

BOOST_AUTO_TEST_CASE(a_watched_bastion_gets_no_blind_login) {
  Backoff backoff;
  const RetrySpread watched{.slot = 0.75, .is_watched = true};
  for (int attempt = 0; attempt < 50; ++attempt)
    BOOST_TEST(
        (backoff.after(FailureClass::refused, DropScope::none, TimePoint{}, 0.5, watched) >= k_watched_retry / 2));
  BOOST_TEST((backoff.after(FailureClass::closed, DropScope::remote, TimePoint{}, 0.5, watched) == Milliseconds(4500)));
}

BOOST_AUTO_TEST_CASE(an_optimistic_login_that_is_closed_takes_its_slot_next) {
  Backoff backoff;
  RetrySpread spread{.slot = 0.5, .is_watched = true, .period = k_optimistic_spread, .was_first_login = true};
  BOOST_TEST((backoff.after(FailureClass::closed, DropScope::remote, TimePoint{}, 0.5, spread) == Milliseconds(100)));
  BOOST_TEST((backoff.after(FailureClass::closed, DropScope::none, TimePoint{}, 0.5, spread) == Milliseconds(3400)));
  spread.was_first_login = false;
  const Milliseconds next = backoff.after(FailureClass::closed, DropScope::none, TimePoint{}, 0.5, spread);
  BOOST_TEST((next >= Milliseconds(4500) && next <= Milliseconds(9000)));
}

BOOST_AUTO_TEST_CASE(a_flapping_bastion_is_not_retried_sooner_than_the_spread) {
  Backoff backoff;
  const RetrySpread spread{.slot = 0.5, .is_watched = true, .period = k_optimistic_spread};
  for (int drop = 0; drop < 20; ++drop)
    BOOST_TEST((backoff.after(FailureClass::closed, DropScope::remote, TimePoint{}, 0.5, spread) < k_shortest_wait));
  backoff.reset();
  BOOST_TEST((backoff.after(FailureClass::closed, DropScope::remote, TimePoint{}, 0.0, spread) >= k_careful_spread));
}

// MaxStartups: after a local drop the retry is soon. A fleet that overloaded the bastion must wait.
BOOST_AUTO_TEST_CASE(a_full_bastion_is_retried_soon_after_a_local_drop) {
  Backoff alone;
  Backoff one_of_many;
  TimePoint now{};
  (void)alone.after(FailureClass::unknown, DropScope::local, now, 0.5);
  (void)one_of_many.after(FailureClass::closed, DropScope::remote, now, 0.5);
  const auto next = [&now](Backoff& backoff) { return backoff.after(FailureClass::closed, DropScope::none, now, 0.5); };
  BOOST_TEST((next(one_of_many) > k_quick_retry));
  for (const TimePoint begin = now; now - begin < std::chrono::seconds(40);) {
    const Milliseconds wait = next(alone);
    BOOST_TEST((wait <= k_quick_retry));
    now += wait;
  }
  Milliseconds longest{0};
  for (int attempt = 0; attempt < 12; ++attempt) longest = std::max(longest, next(alone));
  BOOST_TEST((longest > k_longest_steady / 2));
}

BOOST_AUTO_TEST_CASE(a_changed_host_key_is_retried_soon_at_first) {
  Backoff backoff;
  TimePoint now{};
  int attempts = 0;
  for (; now < TimePoint{} + std::chrono::hours(1); ++attempts) {
    const Milliseconds wait = backoff.after(FailureClass::host_key_changed, DropScope::none, now, 0.5);
    if (now < TimePoint{} + std::chrono::seconds(40)) BOOST_TEST((wait <= k_quick_retry));
    now += wait;
  }
  BOOST_TEST(attempts <= 50);
}

BOOST_AUTO_TEST_CASE(a_refused_key_is_not_retried_at_once) {
  Backoff backoff;
  BOOST_TEST((backoff.after(FailureClass::auth, DropScope::local, TimePoint{}, 0.0) >= k_first_early_retry * 3 / 4));
}

BOOST_AUTO_TEST_CASE(an_unresolved_name_is_retried_soon_but_not_for_long) {
  Backoff backoff;
  TimePoint now{};
  int attempts = 0;
  Milliseconds longest{0};
  for (; now < TimePoint{} + std::chrono::hours(1); ++attempts) {
    const Milliseconds wait = backoff.after(FailureClass::dns, DropScope::none, now, 0.5);
    if (now < TimePoint{} + std::chrono::minutes(2)) longest = std::max(longest, wait);
    now += wait;
  }
  BOOST_TEST((longest <= k_quick_retry));
  BOOST_TEST(attempts < 300);
}

BOOST_AUTO_TEST_CASE(a_budget_is_full_again_after_its_window) {
  Budget budget(2, std::chrono::seconds(10));
  const TimePoint begin{};
  BOOST_TEST(budget.take(begin));
  BOOST_TEST(budget.take(begin + std::chrono::seconds(5)));
  BOOST_TEST(!budget.take(begin + std::chrono::seconds(9)));
  BOOST_TEST(budget.take(begin + std::chrono::seconds(10)));
  BOOST_TEST(!budget.take(begin + std::chrono::seconds(11)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
