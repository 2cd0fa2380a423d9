#include "supervisor/machine/crowd.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(crowd)

constexpr TimePoint k_now{std::chrono::hours(1)};

BOOST_AUTO_TEST_CASE(a_drop_after_a_return_is_remembered_for_thirty_days) {
  Crowd crowd;
  BOOST_TEST(!crowd.is_known(k_now));
  crowd.on_refused();
  BOOST_TEST(crowd.on_closed(k_now));
  BOOST_TEST(crowd.is_known(k_now + std::chrono::hours(24 * 30 - 1)));
  BOOST_TEST(!crowd.is_known(k_now + std::chrono::hours(24 * 30)));
}

BOOST_AUTO_TEST_CASE(another_drop_prolongs_the_memory) {
  Crowd crowd;
  crowd.on_refused();
  BOOST_TEST(crowd.on_closed(k_now));
  BOOST_TEST(crowd.on_closed(k_now + std::chrono::hours(24)));
  BOOST_TEST(crowd.is_known(k_now + std::chrono::hours(24 * 30)));
}

// The bastion has no slot for strangers' logins either.
BOOST_AUTO_TEST_CASE(a_closed_login_without_a_shared_loss_shows_no_crowd) {
  Crowd crowd;
  BOOST_TEST(!crowd.on_closed(k_now));
  crowd.on_refused();
  BOOST_TEST(!crowd.on_login(k_now));
  BOOST_TEST(!crowd.on_closed(k_now));
  BOOST_TEST(!crowd.is_known(k_now));
}

BOOST_AUTO_TEST_CASE(a_bastion_that_shuts_down_shows_no_crowd) {
  Crowd crowd;
  crowd.on_shared_drop();
  BOOST_TEST(!crowd.on_closed(k_now));
  crowd.on_refused();
  BOOST_TEST(!crowd.on_login(k_now));
  BOOST_TEST(!crowd.is_known(k_now));
}

BOOST_AUTO_TEST_CASE(a_drop_counts_when_the_next_login_works) {
  Crowd crowd;
  crowd.on_shared_drop();
  BOOST_TEST(!crowd.on_closed(k_now));
  BOOST_TEST(crowd.on_login(k_now));
  BOOST_TEST(crowd.is_known(k_now));
}

BOOST_AUTO_TEST_CASE(only_one_login_after_a_loss_is_the_first) {
  Crowd crowd;
  BOOST_TEST(!crowd.is_first_login());
  crowd.on_shared_drop();
  BOOST_TEST(crowd.is_first_login());
  BOOST_TEST(!crowd.on_closed(k_now));
  BOOST_TEST(!crowd.is_first_login());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
