#include "supervisor/loop/log_tail.hpp"
#include "os/posix_host.hpp"
#include "scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::supervisor {

BOOST_AUTO_TEST_SUITE(log_tail)

// autossh logs the pid of its ssh only there: without that line the tunnel is never up.
BOOST_AUTO_TEST_CASE(reads_each_line_once_while_the_log_grows) {
  const auto host = os::make_posix_host();
  const ScratchDirectory scratch_directory;
  LogTail tail(*host, scratch_directory / "log");
  constexpr int k_lines = 5'000;  // less than what counts as a flood
  std::thread writer([&] {
    std::ofstream log((scratch_directory / "log").native(), std::ios::app);
    for (int line = 0; line < k_lines; ++line) log << "line " << line << std::endl;
  });
  std::vector<std::string> read;
  while (read.size() < k_lines && (read.empty() || read.back() != "line " + std::to_string(k_lines - 1)))
    for (auto& line : tail.new_lines()) read.push_back(std::move(line));
  writer.join();
  BOOST_REQUIRE(read.size() == k_lines);
  for (std::size_t line = 0; line < k_lines; ++line) BOOST_REQUIRE(read[line] == "line " + std::to_string(line));
}

BOOST_AUTO_TEST_CASE(waits_for_a_whole_line_and_skips_a_flood) {
  const auto host = os::make_posix_host();
  const ScratchDirectory scratch_directory;
  LogTail tail(*host, scratch_directory / "log");
  BOOST_TEST(tail.new_lines().empty());
  const auto write = [&](const std::string& text) {
    std::ofstream((scratch_directory / "log").native(), std::ios::app) << text;
  };
  const auto read = [&](LogTail::Unfinished last = LogTail::Unfinished::wait) { return tail.new_lines(last); };
  write("first\r\n\nssh child pid is 12");
  BOOST_TEST((read() == std::vector<std::string>{"first"}));
  BOOST_TEST(read().empty());
  write("34\nan unfinished line");
  BOOST_TEST((read() == std::vector<std::string>{"ssh child pid is 1234"}));
  BOOST_TEST((read(LogTail::Unfinished::read) == std::vector<std::string>{"an unfinished line"}));
  BOOST_TEST(read(LogTail::Unfinished::read).empty());
  for (int line = 0; line < 20'000; ++line) write("a flood\n");
  write("its end\n");
  const auto flood = read();
  BOOST_REQUIRE(!flood.empty());
  BOOST_TEST(flood.front() == "a flood");
  BOOST_TEST(flood.back() == "its end");
  write(std::string(100'000, 'x'));  // a line without an end
  BOOST_TEST(read().size() == 1U);
  std::ofstream((scratch_directory / "log").native(), std::ios::trunc) << "new\n";
  BOOST_TEST((read() == std::vector<std::string>{"new"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::supervisor
