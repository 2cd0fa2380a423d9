#include "supervisor/machine/fleet_spread.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(fleet_spread)

BOOST_AUTO_TEST_CASE(consecutive_ports_have_evenly_spread_slots) {
  std::array<int, 8> slots_in_second{};
  for (int port = 10'000; port < 10'200; ++port) {
    const double slot = retry_slot_of(Forward::parse(std::to_string(port)).value());
    ++slots_in_second.at(static_cast<std::size_t>(slot * 8));
  }
  for (const int tunnels : slots_in_second) BOOST_TEST((tunnels >= 23 && tunnels <= 27));
}

BOOST_AUTO_TEST_CASE(a_slot_comes_once_in_each_period) {
  constexpr Milliseconds k_period(8000);
  for (const double slot : {0.0, 0.25, 0.999}) {
    Milliseconds now(1'700'000'000'123);
    const Milliseconds first = until_retry_slot(slot, now, k_period);
    BOOST_TEST((first >= k_period / 8 && first <= k_period + k_period / 8));
    now += first;
    BOOST_TEST((until_retry_slot(slot, now, k_period) == k_period));
    BOOST_TEST((until_retry_slot(slot, now + Milliseconds(5), k_period) == k_period - Milliseconds(5)));
    BOOST_TEST((until_retry_slot(slot, now - Milliseconds(5), k_period) == k_period + Milliseconds(5)));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
