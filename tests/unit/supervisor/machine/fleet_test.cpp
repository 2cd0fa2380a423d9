// Supervisors lose their bastion together. All are up again soon, without overloading it.
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

constexpr std::size_t k_returns = 6;

/// Of one return, the means of several fleets.
struct Means {
  double last_back = 0;
  double median_back = 0;
  double dropped = 0;
  double peak_logins = 0;
  std::size_t most_drops = 0;  ///< The most of any tunnel.
};

std::ostream& operator<<(std::ostream& out, const Means& one) {
  return out << "half back after " << one.median_back << " s, all after " << one.last_back << " s, " << one.dropped
             << " drops, " << one.most_drops << " of one tunnel, " << one.peak_logins << " logins in a second";
}

/// Its sshd is away for 3 s, six times.
std::array<Means, k_returns> six_returns(std::size_t size, std::uint64_t seeds, Milliseconds first_spread) {
  std::array<Means, k_returns> means;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Fleet fleet(size, seed, first_spread);
    for (Means& mean : means) {
      const Seen seen = fleet.lose(Outage::refusing, std::chrono::seconds(3));
      const auto part = 1.0 / static_cast<double>(seeds);
      mean.last_back += seen.last_back.count() * part;
      mean.median_back += seen.median_back.count() * part;
      mean.dropped += static_cast<double>(seen.dropped) * part;
      mean.peak_logins += static_cast<double>(peak(seen.logins)) * part;
      mean.most_drops = std::max(mean.most_drops, seen.most_drops);
    }
    BOOST_REQUIRE_MESSAGE(fleet.violation().empty(), "seed " << seed << ": " << fleet.violation());
  }
  return means;
}

struct Size {
  std::size_t tunnels;
  std::uint64_t seeds;
};

std::ostream& operator<<(std::ostream& out, const Size& size) { return out << size.tunnels << " tunnels"; }

const std::array k_sizes{Size{20, k_seeds}, Size{k_fleet, k_seeds}, Size{2000, 1}};

}  // namespace

BOOST_AUTO_TEST_SUITE(fleet)

// With `spread = 6`, or where each tunnel knows the crowd.
BOOST_DATA_TEST_CASE(a_careful_fleet_is_back_in_ninety_seconds_without_a_storm, boost::unit_test::data::make(k_cases)) {
  std::size_t most_logins = 0;
  std::size_t most_syn_probes = 0;
  std::size_t dropped = 0;
  double last = 0;
  double median = 0;
  for (std::uint64_t seed = 1; seed <= k_seeds; ++seed) {
    Fleet fleet(k_fleet, seed, k_careful_spread);
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

// A login takes 0.3 s here, and 0.1 s on most bastions.
BOOST_AUTO_TEST_CASE(a_tunnel_alone_is_back_at_once_each_time) {
  Fleet fleet(1, 1, k_optimistic_spread);
  for (std::size_t time = 0; time < k_returns; ++time) {
    BOOST_TEST(fleet.lose(Outage::refusing, std::chrono::seconds(3)).last_back.count() <= 0.6);
    BOOST_TEST(fleet.lose(Outage::refusing, std::chrono::seconds(60)).last_back.count() <= 1.0);
  }
}

// The first return has a storm that lasts a second, and each later one a smaller storm.
BOOST_DATA_TEST_CASE(an_optimistic_fleet_learns_to_be_careful, boost::unit_test::data::make(k_sizes)) {
  const auto careful = six_returns(sample.tunnels, sample.seeds, k_careful_spread);
  const auto optimistic = six_returns(sample.tunnels, sample.seeds, k_optimistic_spread);
  for (std::size_t at = 0; at < k_returns; ++at) {
    BOOST_TEST_MESSAGE(sample << ", return " << at + 1 << ", careful: " << careful.at(at));
    BOOST_TEST_MESSAGE(sample << ", return " << at + 1 << ", optimistic: " << optimistic.at(at));
  }
  const auto tunnels = static_cast<double>(sample.tunnels);
  BOOST_TEST(optimistic.front().last_back <= careful.front().last_back * 1.02);
  for (std::size_t at = 0; at < k_returns; ++at) {
    BOOST_TEST(optimistic.at(at).median_back <= careful.at(at).median_back + 0.1);
    BOOST_TEST(optimistic.at(at).most_drops <= careful.at(at).most_drops + 1);
    BOOST_TEST(optimistic.at(at).dropped <= careful.at(at).dropped + tunnels * (at == 0 ? 1.0 : 0.3));
  }
  BOOST_TEST(optimistic.at(4).dropped <= careful.at(4).dropped + tunnels / 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
