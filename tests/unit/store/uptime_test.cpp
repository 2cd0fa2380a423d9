// Uptime rows and their sums: damaged files, wrong clocks, missing rows.
#include "store/availability.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::store;
using namespace std::chrono_literals;
using test::ScratchDirectory;

namespace {

constexpr WallTime at(std::chrono::seconds seconds) { return WallTime(1'800'000'000s + seconds); }  // a multiple of 2 h

UptimeRow up(std::chrono::seconds from, std::chrono::milliseconds length, std::chrono::milliseconds down = 0ms) {
  return {.from = at(from), .length = length, .up = length - down, .down = down};
}

double percent(const Availability& all) { return all.whole.availability().value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(uptime)

BOOST_AUTO_TEST_CASE(rows_read_back_equal) {
  const ScratchDirectory scratch_directory;
  UptimeLog log(scratch_directory / "a.uptime");
  UptimeRow row{at(0s), 900s, 800s, 40s, 50s, RoundTrip{11.2, 12.5, 40}, {{FailureClass::dead_peer, 2}}};
  BOOST_REQUIRE(!!log.append(row));
  BOOST_REQUIRE(!!log.append(up(900s, 900s)));
  const auto rows = UptimeLog::read(scratch_directory / "a.uptime");
  BOOST_REQUIRE(rows.size() == 2U);
  BOOST_TEST((rows[0] == row));
  BOOST_TEST((rows[1] == up(900s, 900s)));
}

BOOST_AUTO_TEST_CASE(invalid_and_impossible_rows_are_skipped) {
  const ScratchDirectory scratch_directory;
  const auto file = scratch_directory / "a.uptime";
  UptimeLog log(file);
  BOOST_REQUIRE(!!log.append(up(0s, 900s)));
  const auto whole = test::read(file);
  const auto with = [&](const std::string& from, const std::string& to) {
    auto line = whole;
    return line.replace(line.find(from), from.size(), to);
  };
  test::write(file, whole + "\0\0\0\n[]\n{}\n[[[[[[[[\n" + with("900000", "-1") + with("900000", "99999999999999") +
                        with("\"up_ms\":900000", "\"up_ms\":900001") + with("2027", "20277") +
                        with("\"down_ms\":0", "\"down_ms\":\"0\"") + whole.substr(0, whole.size() / 2));
  BOOST_REQUIRE(!!log.append(up(900s, 900s)));
  const auto rows = UptimeLog::read(file);
  BOOST_REQUIRE(rows.size() == 2U);
  BOOST_TEST((rows[1] == up(900s, 900s)));
}

BOOST_AUTO_TEST_CASE(rotation_keeps_eight_days_within_the_limit) {
  const ScratchDirectory scratch_directory;
  const auto file = scratch_directory / "a.uptime";
  UptimeLog log(file);
  UptimeRow row{at(0s), 900s, 800s, 40s, 60s, RoundTrip{11.2, 12.5, 40}, {{FailureClass::dead_peer, 2}}};
  for (int quarter = 0; quarter < 4 * 24 * 40; ++quarter) {
    row.from = at(0s) + quarter * 900s;
    BOOST_REQUIRE(!!log.append(row));
  }
  std::uintmax_t size = 0;
  for (const auto& path : files_of(file)) size += fs::file_size(path);
  BOOST_TEST(size <= 2U * 128 * 1024);
  const auto rows = UptimeLog::read(file);
  BOOST_TEST((rows.back().from - rows.front().from > std::chrono::hours(24 * 8)));
}

BOOST_AUTO_TEST_CASE(slots_are_aligned_and_end_with_now) {
  const auto all = availability(std::vector{up(0s, 3600s, 900s)}, at(5000s), 1800s, 4);
  BOOST_TEST((all.from == at(5400s - 4 * 1800s)));
  BOOST_TEST((availability({}, at(5399s), 1800s, 4).from == all.from));
  BOOST_REQUIRE(all.slots.size() == 4U);
  BOOST_TEST((all.slots[0].known() == 0ms));
  BOOST_TEST((all.slots[1].up == 1350s));
  BOOST_TEST((all.slots[2].down == 450s));
  BOOST_TEST((all.slots[3].known() == 0ms));  // no data
  BOOST_TEST(percent(all) == 75.0);
  BOOST_TEST(!all.slots[3].availability());
}

BOOST_AUTO_TEST_CASE(round_trips_and_reconnects_are_summed) {
  auto calm = up(0s, 900s);
  calm.rtt = {10, 10, 11};
  auto busy = up(900s, 900s);
  busy.rtt = {9, 30, 200};
  calm.reconnects = {{FailureClass::closed, 1}};
  busy.reconnects = {{FailureClass::closed, 2}, {FailureClass::dead_peer, 1}};
  auto older = up(-90000s, 900s);
  older.reconnects = {{FailureClass::auth, 7}};
  const auto all = availability(std::vector{calm, busy, older}, at(1700s), 1800s, 2);
  BOOST_TEST(all.slots[1].rtt_ms.value() == 20, boost::test_tools::tolerance(0.001));
  BOOST_TEST(all.rtt->low_ms == 9);
  BOOST_TEST(all.rtt->high_ms == 200);
  BOOST_TEST(all.reconnects.size() == 2U);
  BOOST_TEST(all.reconnects.at(FailureClass::closed) == 3U);
}

BOOST_AUTO_TEST_CASE(overlapping_rows_never_exceed_a_slot) {
  const auto all = availability(std::vector{up(0s, 900s), up(0s, 900s, 900s), up(900s, 900s)}, at(1700s), 1800s, 1);
  BOOST_TEST((all.slots[0].known() == 1800s));
  const auto twice = availability(std::vector{up(0s, 1800s), up(0s, 1800s, 1800s)}, at(1700s), 1800s, 1);
  BOOST_TEST((twice.slots[0].known() == 1800s));
  BOOST_TEST(percent(twice) == 50.0);
}

BOOST_AUTO_TEST_CASE(a_row_in_the_future_is_ignored) {
  const std::vector rows{up(0s, 900s), up(std::chrono::hours(9000), 900s, 900s)};
  BOOST_TEST(percent(availability(rows, at(1000s), 1800s, 48)) == 100.0);
  const auto now = completed(rows, {}, Present{TunnelState::up, false, at(0s)}, at(1200s));
  BOOST_TEST((availability(now, at(1200s), 1800s, 48).whole.up == 1200s));
}

BOOST_AUTO_TEST_CASE(transitions_fill_the_time_without_rows) {
  const std::vector<Transition> transitions{{at(0s), TunnelState::connecting, TunnelState::up, ""},
                                            {at(600s), TunnelState::up, TunnelState::waiting, ""},
                                            {at(700s), TunnelState::waiting, TunnelState::up, ""}};
  const auto rows = completed({up(1000s, 800s)}, transitions, {}, at(5000s));
  const auto all = availability(rows, at(5000s), 1800s, 3);
  BOOST_TEST((all.whole.up == 600s + 800s));  // the end of the last state is unknown
  BOOST_TEST((all.whole.down == 100s));
}

BOOST_AUTO_TEST_CASE(the_last_state_of_a_killed_supervisor_does_not_count) {
  // Up at 0, then killed; another supervisor started at 4000 and was up at 4010.
  const std::vector<Transition> transitions{{at(0s), TunnelState::connecting, TunnelState::up, ""},
                                            {at(4010s), TunnelState::connecting, TunnelState::up, ""}};
  const auto rows = completed({up(0s, 900s)}, transitions, Present{TunnelState::up, false, at(4010s)}, at(4310s));
  const auto all = availability(rows, at(4310s), 1800s, 3);
  BOOST_TEST((all.whole.up == 900s + 300s));
  BOOST_TEST((all.whole.down == 0s));
}

BOOST_AUTO_TEST_CASE(a_machine_that_was_off_counts_as_no_data) {
  // Power was lost while connecting, and the next supervisor begins in that state too.
  const std::vector<Transition> transitions{{at(1000s), TunnelState::up, TunnelState::connecting, ""},
                                            {at(40000s), TunnelState::connecting, TunnelState::up, ""}};
  const Present present{TunnelState::up, false, at(40000s)};
  const auto down = [&](std::vector<UptimeRow> rows) {
    return availability(completed(std::move(rows), transitions, present, at(40300s)), at(40300s), 1800s, 48).whole.down;
  };
  BOOST_TEST((down({up(0s, 900s)}) == 0s));
  BOOST_TEST((down({up(0s, 900s), up(40500s, 10s)}) == 0s));
  BOOST_TEST((down({}) == 0s));
}

BOOST_AUTO_TEST_CASE(the_running_supervisor_fills_the_time_since_the_last_row) {
  const auto tail = [&](TunnelState state, bool degraded) {
    const auto rows = completed({up(0s, 900s)}, {}, Present{state, degraded, at(-5000s)}, at(1000s));
    return availability(rows, at(1000s), 1800s, 2).whole;
  };
  BOOST_TEST((tail(TunnelState::up, false).up == 1000s));
  BOOST_TEST((tail(TunnelState::waiting, false).down == 100s));
  BOOST_TEST((tail(TunnelState::waiting, true).degraded == 100s));
  BOOST_TEST((tail(TunnelState::degraded, false).degraded == 100s));
  BOOST_TEST((tail(TunnelState::stopped, false).known() == 900s));
  BOOST_TEST((tail(TunnelState::standby, false).known() == 900s));
}

BOOST_AUTO_TEST_SUITE_END()
