// 200 supervisors lose their bastion together. All are up again soon, without overloading it.
#include "fleet.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <ostream>

namespace holdfast::supervisor {
namespace {

constexpr std::size_t k_fleet = 200;
constexpr std::size_t k_peak = k_fleet / 5;
constexpr std::size_t k_peak_cut_off = k_fleet * 2 / 5;  // looks like an outage of the own path
constexpr std::uint64_t k_seeds = 10;

struct Case {
  Outage outage;
  std::chrono::seconds away;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
  const char* const how = one.outage == Outage::silent     ? "silent"
                          : one.outage == Outage::refusing ? "refusing"
                                                           : "cut off";
  return out << how << " for " << one.away.count() << " s";
}

const std::array k_cases{
    Case{Outage::refusing, std::chrono::seconds(3)},  Case{Outage::refusing, std::chrono::seconds(60)},
    Case{Outage::refusing, std::chrono::minutes(10)}, Case{Outage::silent, std::chrono::seconds(60)},
    Case{Outage::silent, std::chrono::minutes(10)},   Case{Outage::cut_off, std::chrono::minutes(2)},
    Case{Outage::cut_off, std::chrono::minutes(10)}};

std::size_t peak(const std::vector<std::size_t>& seconds) {
  return seconds.empty() ? 0 : *std::max_element(seconds.begin(), seconds.end());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fleet)

BOOST_DATA_TEST_CASE(a_fleet_is_back_in_ninety_seconds_without_a_storm, boost::unit_test::data::make(k_cases)) {
  std::size_t most_logins = 0;
  std::size_t most_syn_probes = 0;
  std::size_t dropped = 0;
  double last = 0;
  double median = 0;
  for (std::uint64_t seed = 1; seed <= k_seeds; ++seed) {
    Fleet fleet(k_fleet, seed);
    const Seen seen = fleet.lose(sample.outage, sample.away);
    BOOST_REQUIRE_MESSAGE(fleet.violation().empty(), "seed " << seed << ": " << fleet.violation());
    BOOST_CHECK_MESSAGE(peak(seen.logins) <= (sample.outage == Outage::cut_off ? k_peak_cut_off : k_peak),
                        "seed " << seed << ": " << peak(seen.logins) << " logins in one second");
    BOOST_CHECK_MESSAGE(seen.last_back.count() <= 90.0,
                        "seed " << seed << ": the last was back after " << seen.last_back.count() << " s");
    most_logins = std::max(most_logins, peak(seen.logins));
    most_syn_probes = std::max(most_syn_probes, peak(seen.syn_probes));
    dropped = std::max(dropped, seen.dropped);
    last = std::max(last, seen.last_back.count());
    median += seen.median_back.count() / k_seeds;
  }
  BOOST_TEST_MESSAGE(sample << ": at most " << most_logins << " logins and " << most_syn_probes
                            << " SYN probes in a second, " << dropped
                            << " refused by MaxStartups; half of them back after " << median << " s, all after " << last
                            << " s");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
