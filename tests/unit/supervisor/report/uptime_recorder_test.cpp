// The uptime record: exact while the clocks agree, and without data for unobserved time.
#include "supervisor/report/uptime_recorder.hpp"

#include "backends/recorded_host.hpp"
#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>

using namespace holdfast;
using namespace holdfast::supervisor;
using namespace std::chrono_literals;
using store::TunnelState;
using test::ScratchDirectory;

namespace {

class TwoClocks final : public test::RecordedHost {
 public:
  std::chrono::steady_clock::time_point steady{1000h};
  WallTime wall{1'800'000'000s};  // the start of a quarter of an hour
  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return steady; }
  [[nodiscard]] WallTime wall_now() const override { return wall; }
  void pass(std::chrono::milliseconds span) {
    steady += span;
    wall += span;
  }
};

struct Supervised {
  ScratchDirectory scratch_directory;
  TwoClocks host;
  View view;
  std::optional<UptimeRecorder> recorder;

  Supervised() {
    view.state = TunnelState::up;
    view.verified = true;
    view.forwards = {store::ForwardState::up, store::ForwardState::up};
    recorder.emplace(host, scratch_directory / "a.uptime");
    recorder->publish(view);
  }
  void pass(std::chrono::milliseconds span) {
    host.pass(span);
    recorder->publish(view);
  }
  void become(TunnelState state, store::ForwardState forwards = store::ForwardState::down) {
    view.state = state;
    view.verified = state == TunnelState::up;
    view.forwards.front() = forwards;
    view.forwards.back() = state == TunnelState::up ? store::ForwardState::up : store::ForwardState::down;
    recorder->publish(view);
  }
  std::vector<store::UptimeRow> rows() { return store::UptimeLog::read(scratch_directory / "a.uptime"); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(uptime_recorder, Supervised)

BOOST_AUTO_TEST_CASE(a_row_is_written_after_its_quarter_of_an_hour) {
  pass(899s);
  BOOST_TEST(rows().empty());
  pass(61s);
  BOOST_REQUIRE(rows().size() == 1U);
  BOOST_TEST((rows()[0].up == 900s));
  recorder.reset();  // the destructor writes the rest
  BOOST_REQUIRE(rows().size() == 2U);
  BOOST_TEST((rows()[1].from == rows()[0].from + 900s));
  BOOST_TEST((rows()[1].up == 60s));
}

BOOST_AUTO_TEST_CASE(records_up_down_and_degraded_time) {
  pass(100s);
  become(TunnelState::waiting);
  pass(10s);
  become(TunnelState::waiting, store::ForwardState::up);
  pass(20s);
  view.last_error = Diagnosis{FailureClass::target_down, "nothing answers", ""};
  become(TunnelState::up, store::ForwardState::up);
  view.verified = false;
  recorder->publish(view);
  pass(30s);
  view.last_error.reset();  // a forbidden probe is not an error
  recorder->publish(view);
  pass(40s);
  become(TunnelState::degraded, store::ForwardState::up);
  pass(15s);
  become(TunnelState::standby);
  pass(50s);
  recorder.reset();
  BOOST_REQUIRE(rows().size() == 1U);
  const auto row = rows().front();
  BOOST_TEST((row.up == 140s));
  BOOST_TEST((row.down == 10s));
  BOOST_TEST((row.degraded == 65s));
  BOOST_TEST((row.length == 265s));
}

BOOST_AUTO_TEST_CASE(hours_without_a_change_make_one_row) {
  pass(450s);
  pass(10h);
  BOOST_REQUIRE(rows().size() == 2U);
  BOOST_TEST((rows()[0].up == 900s));
  BOOST_TEST((rows()[1].up == 10h - 450s - 450s));
}

BOOST_AUTO_TEST_CASE(a_suspend_leaves_no_data) {
  pass(100s);
  host.wall += 2h;  // the steady clock stops during a suspend
  pass(10s);
  become(TunnelState::waiting);
  pass(90s);
  recorder.reset();
  BOOST_REQUIRE(rows().size() == 2U);
  BOOST_TEST((rows()[0].length == 110s));
  BOOST_TEST((rows()[1].from == WallTime(1'800'000'000s) + 2h + 110s));
  BOOST_TEST((rows()[1].down == 90s));
}

BOOST_AUTO_TEST_CASE(a_clock_set_back_begins_a_new_row) {
  pass(100s);
  host.wall -= 1h;
  pass(10s);
  pass(20s);
  recorder.reset();
  BOOST_REQUIRE(rows().size() == 2U);
  BOOST_TEST((rows()[0].up == 110s));
  BOOST_TEST((rows()[1].up == 20s));
  BOOST_TEST((rows()[1].from == WallTime(1'800'000'000s) - 1h + 110s));
}

BOOST_AUTO_TEST_CASE(counts_reconnects_by_cause) {
  view.errors = 4;  // from before
  view.last_error = Diagnosis{FailureClass::dns, "former", ""};
  recorder->publish(view);
  const auto lose = [&](std::optional<FailureClass> why) {
    if (why) view.last_error = Diagnosis{*why, "lost", ""}, ++view.errors;
    ++view.reconnects;
    become(TunnelState::connecting);
    pass(1s);
    become(TunnelState::up, store::ForwardState::up);
  };
  lose(FailureClass::closed);
  lose(FailureClass::dead_peer);
  lose(FailureClass::closed);
  lose({});  // requested: the earlier error is not the cause
  recorder.reset();
  const auto counts = rows().front().reconnects;
  BOOST_TEST(counts.size() == 3U);
  BOOST_TEST(counts.at(FailureClass::closed) == 2U);
  BOOST_TEST(counts.at(FailureClass::dead_peer) == 1U);
  BOOST_TEST(counts.at(FailureClass::unknown) == 1U);
}

BOOST_AUTO_TEST_CASE(does_not_count_a_predecessors_reconnects) {
  recorder.emplace(host, scratch_directory / "b.uptime");
  view.reconnects = 7;
  recorder->publish(view);
  pass(10s);
  recorder.reset();
  BOOST_TEST(store::UptimeLog::read(scratch_directory / "b.uptime").front().reconnects.empty());
}

BOOST_AUTO_TEST_CASE(round_trips_are_weighted_by_time) {
  view.rtt_ms = 10;
  recorder->publish(view);
  pass(300s);
  view.rtt_ms = 40;
  recorder->publish(view);
  pass(100s);
  view.rtt_ms.reset();
  become(TunnelState::waiting);
  pass(100s);
  recorder.reset();
  const auto rtt = rows().front().rtt.value();
  BOOST_TEST(rtt.low_ms == 10);
  BOOST_TEST(rtt.mean_ms == 17.5);
  BOOST_TEST(rtt.high_ms == 40);
}

BOOST_AUTO_TEST_CASE(records_nothing_after_a_stop) {
  pass(100s);
  become(TunnelState::stopped);
  BOOST_REQUIRE(rows().size() == 1U);
  host.pass(3h);
  recorder.reset();
  BOOST_TEST(rows().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
