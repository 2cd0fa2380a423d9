// Assembles lines from pieces.
#include "mcp/line_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using holdfast::mcp::LineReader;

namespace {

std::vector<std::string> fed(const std::vector<std::string>& chunks, bool ends, std::size_t limit = 8) {
  LineReader reader(limit);
  std::vector<std::string> seen;
  const auto take = [&](LineReader::Line line) {
    seen.push_back(line.overlong ? "(overlong)" : std::string(line.text));
  };
  for (const auto& chunk : chunks) reader.feed(chunk, take);
  if (ends) reader.finish(take);
  return seen;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_reader)

BOOST_AUTO_TEST_CASE(lines_are_assembled_from_any_pieces) {
  using Seen = std::vector<std::string>;
  const Seen two{"ab", "cd"};
  BOOST_TEST(fed({"ab\ncd\n"}, false) == two, boost::test_tools::per_element());
  BOOST_TEST(fed({"a", "b", "\n", "cd", "\r\n"}, false) == two, boost::test_tools::per_element());
  BOOST_TEST(fed({"ab\ncd"}, true) == two, boost::test_tools::per_element());
  BOOST_TEST(fed({"ab\ncd"}, false) == Seen{"ab"}, boost::test_tools::per_element());
  BOOST_TEST(fed({"\n"}, true) == Seen{""}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_overlong_line_is_dropped_and_the_next_one_read) {
  using Seen = std::vector<std::string>;
  const std::string big(1000, 'x');
  BOOST_TEST(fed({big, big, "\nok\n"}, false) == (Seen{"(overlong)", "ok"}), boost::test_tools::per_element());
  BOOST_TEST(fed({"12345678\n123456789\n"}, false) == (Seen{"12345678", "(overlong)"}),
             boost::test_tools::per_element());
  BOOST_TEST(fed({big}, true) == Seen{"(overlong)"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
