#include "store/history.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::store;
using test::ScratchDirectory;

namespace {

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

Transition a_transition(std::int64_t second) {
  return {at(second), TunnelState::up, TunnelState::waiting, "ssh was killed " + std::to_string(second)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(history)

BOOST_AUTO_TEST_CASE(transitions_are_read_in_order) {
  const ScratchDirectory scratch_directory;
  const fs::path file = scratch_directory / "a.history";
  BOOST_TEST(History::read(file, 10).empty());
  History history(file);
  for (int i = 0; i < 5; ++i) BOOST_REQUIRE(!!history.append(a_transition(i)));
  const auto read = History::read(file, 3);
  BOOST_REQUIRE(read.size() == 3U);
  BOOST_TEST((read.front() == a_transition(2)));
  BOOST_TEST((read.back() == a_transition(4)));
  BOOST_TEST((fs::status(file).permissions() == (fs::owner_read | fs::owner_write)));
}

BOOST_AUTO_TEST_CASE(a_truncated_line_is_skipped) {
  const ScratchDirectory scratch_directory;
  const fs::path file = scratch_directory / "a.history";
  History history(file);
  BOOST_REQUIRE(!!history.append(a_transition(1)));
  const std::string whole = test::read(file);
  test::write(file, whole + whole.substr(0, whole.size() / 2));
  BOOST_REQUIRE(!!history.append(a_transition(2)));
  const auto read = History::read(file, 10);
  BOOST_REQUIRE(read.size() == 2U);
  BOOST_TEST((read[1] == a_transition(2)));
}

BOOST_AUTO_TEST_CASE(rotation_keeps_the_newest_transitions_within_the_limit) {
  const ScratchDirectory scratch_directory;
  const fs::path file = scratch_directory / "a.history";
  constexpr std::size_t k_limit = 2000;
  History history(file, k_limit);
  for (int i = 0; i < 500; ++i) {
    BOOST_REQUIRE(!!history.append(a_transition(i)));
    std::uintmax_t total = 0;
    for (const auto& path : files_of(file))
      if (fs::exists(path)) total += fs::file_size(path);
    BOOST_REQUIRE(total <= 2 * k_limit);
  }
  const auto read = History::read(file, 10);
  BOOST_REQUIRE(read.size() == 10U);
  BOOST_TEST((read.back() == a_transition(499)));
  BOOST_TEST((read.front() == a_transition(490)));
}

BOOST_AUTO_TEST_CASE(a_failed_history_write_is_an_error_but_a_log_write_is_not) {
  const ScratchDirectory scratch_directory;
  fs::create_symlink(scratch_directory / "elsewhere", scratch_directory / "a");
  BOOST_TEST(!History(scratch_directory / "a").append(a_transition(1)));
  BOOST_TEST(!History(scratch_directory / "missing/a").append(a_transition(1)));
  Log(scratch_directory / "missing/a").write(at(0), "x");
  BOOST_TEST(!fs::exists(scratch_directory / "elsewhere"));
}

BOOST_AUTO_TEST_CASE(a_log_entry_is_one_escaped_bounded_line) {
  const ScratchDirectory scratch_directory;
  const fs::path file = scratch_directory / "a.log";
  Log log(file);
  log.write(at(0), "hello\n\x1b[2Jworld");
  log.write(at(61), std::string(100000, 'x'));
  const auto lines = Log::read(file, 10);
  BOOST_REQUIRE(lines.size() == 2U);
  BOOST_TEST(lines[0] == "1970-01-01T00:00:00Z hello\\n\\x1b[2Jworld");
  BOOST_TEST(lines[1].size() < 5000U);
}

BOOST_AUTO_TEST_CASE(a_rotated_log_is_read_as_one) {
  const ScratchDirectory scratch_directory;
  const fs::path file = scratch_directory / "a.log";
  Log log(file, 1000);
  for (int i = 0; i < 100; ++i) log.write(at(i), "line " + std::to_string(i));
  const auto lines = Log::read(file, 30);
  BOOST_REQUIRE(lines.size() == 30U);
  BOOST_TEST(lines.front().ends_with("line 70"));
  BOOST_TEST(lines.back().ends_with("line 99"));
}

BOOST_AUTO_TEST_SUITE_END()
