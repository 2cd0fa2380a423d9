#include "store/live_state.hpp"

#include "os/boot_clock.hpp"
#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <random>

using namespace holdfast;
using namespace holdfast::store;
using test::HostAtHome;
using test::ScratchDirectory;

namespace {

WallTime at(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

LiveState full_state() {
  LiveState state;
  state.supervisor = {101, 5550123, "0d1f", "ws"};
  state.state = TunnelState::up;
  state.verified = true;
  state.since = at(1'795'341'600'123);
  state.bastion = "gate@bastion";
  state.forwards = {{"127.0.0.1:2222", "localhost:22", ForwardState::up}, {"/s", "/t", ForwardState::busy}};
  state.ssh = os::ProcessId{102, UINT64_MAX, "0d1f", "ws"};
  state.rtt_ms = 12.5;
  state.reconnects = 3;
  state.next_attempt = at(1'795'341'700'000);
  state.last_error =
      LastError{{FailureClass::forward_busy, "the port is taken \xff by \"x\"", "wait"}, at(1'795'341'500'000)};
  state.autossh = os::ProcessId{4712, 99, "b", "ws"};
  state.connection = os::TcpPair{{"10.0.0.1", 40000}, {"::1", 22}};
  state.generation = 7;
  state.booted_at = at(1'795'000'000'000);
  return state;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(live_state)

BOOST_AUTO_TEST_CASE(a_written_state_reads_back_equal) {
  const LiveState state = full_state();
  const auto again = parse_live_state(format_live_state(state));
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST((again->supervisor == state.supervisor));
  BOOST_TEST((again->state == TunnelState::up));
  BOOST_TEST(again->verified);
  BOOST_TEST((again->since == state.since));
  BOOST_TEST(again->bastion == "gate@bastion");
  BOOST_REQUIRE(again->forwards.size() == 2U);
  BOOST_TEST(again->forwards[0].listen == "127.0.0.1:2222");
  BOOST_TEST(again->forwards[0].target == "localhost:22");
  BOOST_TEST((again->forwards[1].state == ForwardState::busy));
  BOOST_TEST((again->ssh == state.ssh));
  BOOST_TEST((again->autossh == state.autossh));
  BOOST_TEST(again->rtt_ms.value() == 12.5);
  BOOST_TEST(again->reconnects == 3U);
  BOOST_TEST((again->next_attempt == state.next_attempt));
  BOOST_TEST((again->last_error->diagnosis.failure == FailureClass::forward_busy));
  BOOST_TEST(again->last_error->diagnosis.message == "the port is taken \\xff by \"x\"");
  BOOST_TEST((again->connection == state.connection));
  BOOST_TEST(again->generation == 7U);
  BOOST_TEST((again->booted_at == state.booted_at));
}

BOOST_AUTO_TEST_CASE(unknown_values_read_back_as_nothing) {
  LiveState state;
  state.supervisor = {1, 0, "", ""};
  const auto again = parse_live_state(format_live_state(state));
  BOOST_REQUIRE_MESSAGE(again, again.error().line());
  BOOST_TEST(!again->ssh);
  BOOST_TEST(!again->rtt_ms);
  BOOST_TEST(!again->next_attempt);
  BOOST_TEST(!again->last_error);
  BOOST_TEST(!again->connection);
}

BOOST_AUTO_TEST_CASE(elapsed_times_survive_a_set_clock) {
  using std::chrono::hours;
  for (const hours step : {hours(20785 * 24), hours(-24), hours(1)}) {
    const LiveState before = full_state();
    LiveState state = before;
    const WallTime now = at(1'795'341'650'000);
    follow_clock(state, *before.booted_at + step);
    BOOST_TEST((now + step - state.since == now - before.since));
    BOOST_TEST((*state.next_attempt - (now + step) == *before.next_attempt - now));
    BOOST_TEST((now + step - state.last_error->at == now - before.last_error->at));
    BOOST_TEST((*state.booted_at == *before.booted_at + step));
  }
}

BOOST_AUTO_TEST_CASE(a_slewed_clock_moves_no_time) {
  LiveState state = full_state();
  follow_clock(state, *state.booted_at + std::chrono::milliseconds(1900));
  BOOST_TEST((state.since == full_state().since));
  state.booted_at.reset();  // written by an older version
  follow_clock(state, at(5000));
  BOOST_TEST((state.since == full_state().since));
  BOOST_TEST((*state.booted_at == at(5000)));
}

// The file is from a supervisor that saw the clock a year ago.
BOOST_AUTO_TEST_CASE(a_state_of_this_boot_is_read_with_the_present_clock) {
  const ScratchDirectory scratch_directory;
  const fs::path file = scratch_directory / "x.live";
  const HostAtHome home(scratch_directory.path());
  const os::Host& host = *home;
  LiveState state = full_state();
  const WallTime now = host.wall_now();
  const auto k_year = std::chrono::hours(365 * 24);
  state.since = now - k_year - std::chrono::seconds(30);
  state.booted_at = now - os::since_boot() - k_year;
  const auto age_read_back = [&](const std::string& boot_id) {
    state.supervisor.boot_id = boot_id;
    test::write(file, format_live_state(state));
    const auto again = read_live_state(host, file, ::getuid());
    BOOST_REQUIRE(again);
    return now - (*again)->since;
  };
  BOOST_TEST((age_read_back(host.boot_id()) < std::chrono::seconds(60)));
  BOOST_TEST((age_read_back("another boot") > k_year));
}

BOOST_AUTO_TEST_CASE(every_state_has_a_unique_name) {
  using enum TunnelState;
  for (const auto state : {up, degraded, connecting, waiting, standby, failed, stopped})
    BOOST_TEST((tunnel_state_from(to_text(state)) == state));
  BOOST_TEST(!tunnel_state_from("UP"));
}

BOOST_AUTO_TEST_CASE(a_state_of_an_earlier_version_has_no_bound_addresses) {
  LiveState state = full_state();
  state.forwards.front().bound = Bound::all;
  std::string text = format_live_state(state);
  BOOST_TEST((parse_live_state(text)->forwards.front().bound == Bound::all));
  const std::string member = ",\"bound\":\"all\"";
  text.erase(text.find(member), member.size());
  BOOST_TEST((parse_live_state(text)->forwards.front().bound == Bound::unknown));
}

BOOST_AUTO_TEST_CASE(a_truncated_state_is_an_error) {
  const std::string whole = format_live_state(full_state());
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) BOOST_TEST(!parse_live_state(whole.substr(0, size)));
}

BOOST_AUTO_TEST_CASE(hostile_json_is_an_error) {
  for (const std::string text : {"null", "[]", "1e999", "{\"state\":1}", "{\"state\":\"up\"}", "\"up\""})
    BOOST_TEST(!parse_live_state(text));
  BOOST_TEST(!parse_live_state(std::string(100000, '[')));
  BOOST_TEST(!parse_live_state("{\"a\":\"" + std::string(1 << 20, 'x') + "\"}"));
  const std::string whole = format_live_state(full_state());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const auto found = text.find(from);
    BOOST_REQUIRE(found != std::string::npos);
    return text.replace(found, from.size(), to);
  };
  BOOST_TEST(!parse_live_state(with("\"pid\":101", "\"pid\":-1")));
  BOOST_TEST(!parse_live_state(with("\"pid\":101", "\"pid\":99999999999")));
  BOOST_TEST(!parse_live_state(with("\"port\":40000", "\"port\":70000")));
  BOOST_TEST(!parse_live_state(with("\"since\":1795341600123", "\"since\":9999999999999999")));
  BOOST_TEST(!parse_live_state(with("\"verified\":true", "\"verified\":1")));
  BOOST_TEST(!parse_live_state(with("\"state\":\"busy\"", "\"state\":\"eager\"")));
  BOOST_TEST(!parse_live_state(with("\"class\":\"forward-busy\"", "\"class\":\"boredom\"")));
}

BOOST_AUTO_TEST_CASE(a_state_file_of_another_user_is_refused) {
  const ScratchDirectory scratch_directory;
  const HostAtHome host(scratch_directory.path());
  const fs::path file = scratch_directory / "2222.live";
  BOOST_TEST(!read_live_state(*host, file, ::getuid())->has_value());
  test::write(file, format_live_state(full_state()));
  BOOST_TEST(read_live_state(*host, file, ::getuid())->has_value());
  BOOST_TEST(!read_live_state(*host, file, ::getuid() + 1));
  fs::create_symlink(file, scratch_directory / "link");
  BOOST_TEST(!read_live_state(*host, scratch_directory / "link", ::getuid()));
  fs::permissions(file, fs::all_all);
  BOOST_TEST(!read_live_state(*host, file, ::getuid()));
}

BOOST_AUTO_TEST_SUITE_END()
