// Uptime charts: no outage may be invisible.
#include "cli/output/uptime_chart.hpp"
#include "cli/output/table.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;
using namespace std::chrono_literals;

namespace {

store::Availability of(std::vector<store::Share> slots) {
  store::Availability all{
      .from = {}, .slot = 1800s, .slots = std::move(slots), .whole = {}, .rtt = {}, .reconnects = {}};
  for (const auto& share : all.slots) {
    all.whole.up += share.up;
    all.whole.degraded += share.degraded;
    all.whole.down += share.down;
  }
  return all;
}

const store::Share k_whole{1800s};
const store::Share k_no_data{};
const store::Share k_down{0s, 0s, 1800s};

}  // namespace

BOOST_AUTO_TEST_SUITE(uptime_chart)

BOOST_AUTO_TEST_CASE(blocks_show_up_partly_up_down_and_no_data) {
  const auto all = of({k_whole, {1799s, 0s, 1s}, {900s, 0s, 900s}, {10s, 0s, 1790s}, {0s, 1800s}, k_down, k_no_data});
  BOOST_TEST(uptime_blocks(all, {false, true}) == "█▇▅▂▅▁·");
  BOOST_TEST(uptime_blocks(all, {false, false}) == "#++++x_");
  BOOST_TEST(uptime_blocks(of({k_whole, k_whole, k_down}), {true, true}) == "\x1b[32m██\x1b[0m\x1b[31m▁\x1b[0m");
}

BOOST_AUTO_TEST_CASE(draws_ascii_without_utf8) {
  auto all = of({k_whole, k_down, k_no_data});
  all.slots[0].rtt_ms = 5;
  for (const auto& text : {uptime_blocks(all, {}), sparkline(all, {}), legend({}), availability_text(all)})
    for (const char c : text) BOOST_TEST(static_cast<unsigned char>(c) < 0x80, text);
}

BOOST_AUTO_TEST_CASE(less_than_full_uptime_is_never_100_percent) {
  BOOST_TEST(availability_text(of({k_whole, k_whole})) == "100 %");
  BOOST_TEST(availability_text(of({{86400s - 1ms, 0s, 1ms}})) == "99.99 %, less than 1 s down");
  BOOST_TEST(availability_text(of({k_whole, {0s, 120s, 1680s}})) == "50.00 %, 28 min down, 2 min degraded");
  BOOST_TEST(availability_text(of({k_no_data})) == "no data");
  BOOST_TEST(availability_text(of({k_down})) == "0.00 %, 30 min down");
}

BOOST_AUTO_TEST_CASE(round_trips_span_shortest_to_longest) {
  auto all = of({k_whole, k_whole, k_whole, k_whole});
  BOOST_TEST(sparkline(all, {false, true}) == "");
  for (std::size_t i = 0; i < 3; ++i) all.slots[i].rtt_ms = 10 + 20.0 * static_cast<double>(i);
  BOOST_TEST(sparkline(all, {false, true}) == "▁▅█·");
  BOOST_TEST(sparkline(all, {false, false}) == ".+@_");
  for (std::size_t i = 0; i < 3; ++i) all.slots[i].rtt_ms = 10 + 0.1 * static_cast<double>(i);
  BOOST_TEST(sparkline(all, {false, true}) == "▁▁▁·");  // noise
}

BOOST_AUTO_TEST_CASE(lists_the_most_frequent_cause_first) {
  auto all = of({});
  BOOST_TEST(reconnects_by_cause(all) == "none");
  all.reconnects = {{FailureClass::dns, 1}, {FailureClass::closed, 3}, {FailureClass::dead_peer, 1}};
  BOOST_TEST(reconnects_by_cause(all) == "5: closed 3, dns 1, dead-peer 1");
}

BOOST_AUTO_TEST_SUITE_END()
