// What a person sees of the last day: nothing that was lost may look whole.
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
const store::Share k_nothing{};
const store::Share k_dead{0s, 0s, 1800s};

}  // namespace

BOOST_AUTO_TEST_SUITE(uptime_summary)

BOOST_AUTO_TEST_CASE(a_line_of_blocks_tells_up_partly_down_and_unknown_apart) {
  const auto all = of({k_whole, {1799s, 0s, 1s}, {900s, 0s, 900s}, {10s, 0s, 1790s}, {0s, 1800s}, k_dead, k_nothing});
  BOOST_TEST(blocks(all, {false, true}) == "█▇▅▂▅▁·");
  BOOST_TEST(blocks(all, {false, false}) == "#++++x_");
  BOOST_TEST(blocks(of({k_whole, k_whole, k_dead}), {true, true}) == "\x1b[32m██\x1b[0m\x1b[31m▁\x1b[0m");
}

BOOST_AUTO_TEST_CASE(without_utf8_every_byte_is_ascii) {
  auto all = of({k_whole, k_dead, k_nothing});
  all.slots[0].rtt_ms = 5;
  for (const auto& text : {blocks(all, {}), sparkline(all, {}), legend({}), availability_words(all)})
    for (const char c : text) BOOST_TEST(static_cast<unsigned char>(c) < 0x80, text);
}

BOOST_AUTO_TEST_CASE(a_hundred_per_cent_is_said_of_nothing_less) {
  BOOST_TEST(availability_words(of({k_whole, k_whole})) == "100 %");
  BOOST_TEST(availability_words(of({{86400s - 1ms, 0s, 1ms}})) == "99.99 %, less than 1 s down");
  BOOST_TEST(availability_words(of({k_whole, {0s, 120s, 1680s}})) == "50.00 %, 28 min down, 2 min in part");
  BOOST_TEST(availability_words(of({k_nothing})) == "nothing is known");
  BOOST_TEST(availability_words(of({k_dead})) == "0.00 %, 30 min down");
}

BOOST_AUTO_TEST_CASE(round_trips_are_drawn_between_the_shortest_and_the_longest) {
  auto all = of({k_whole, k_whole, k_whole, k_whole});
  BOOST_TEST(sparkline(all, {false, true}) == "");
  for (std::size_t i = 0; i < 3; ++i) all.slots[i].rtt_ms = 10 + 20.0 * static_cast<double>(i);
  BOOST_TEST(sparkline(all, {false, true}) == "▁▅█·");
  BOOST_TEST(sparkline(all, {false, false}) == ".+@_");
  for (std::size_t i = 0; i < 3; ++i) all.slots[i].rtt_ms = 10 + 0.1 * static_cast<double>(i);
  BOOST_TEST(sparkline(all, {false, true}) == "▁▁▁·");  // that is noise
}

BOOST_AUTO_TEST_CASE(causes_stand_with_the_commonest_first) {
  auto all = of({});
  BOOST_TEST(reconnect_words(all) == "none");
  all.reconnects = {{FailureClass::dns, 1}, {FailureClass::closed, 3}, {FailureClass::dead_peer, 1}};
  BOOST_TEST(reconnect_words(all) == "5: closed 3, dns 1, dead-peer 1");
}

BOOST_AUTO_TEST_SUITE_END()
