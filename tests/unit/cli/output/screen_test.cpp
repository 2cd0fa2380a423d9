// What fits on a terminal: nothing may spill over its edge, and what was painted must end.
#include "cli/output/screen.hpp"
#include "cli/output/table.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast::cli;

BOOST_AUTO_TEST_SUITE(screen)

BOOST_AUTO_TEST_CASE(a_line_is_cut_at_the_edge_and_its_colour_ends) {
  BOOST_TEST(clipped("short", 10) == "short");
  BOOST_TEST(clipped("exactly", 7) == "exactly");
  BOOST_TEST(clipped("too long", 3) == "too");
  BOOST_TEST(clipped("\x1b[32mgreen\x1b[0m and more", 3) == "\x1b[32mgre\x1b[0m");
  BOOST_TEST(clipped("→→→", 2) == "→→");
  BOOST_TEST(clipped("", 0) == "");
}

BOOST_AUTO_TEST_CASE(a_wide_sign_is_not_cut_in_half) {
  BOOST_TEST(columns("日本") == 4U);
  BOOST_TEST(columns("é") == 1U);
  BOOST_TEST(columns("e\u0301") == 1U);
  BOOST_TEST(columns("█·→") == 3U);
  BOOST_TEST(clipped("日本", 3) == "日");
  BOOST_TEST(clipped("日本x", 3) == "日");  // and nothing after it closes the gap
  BOOST_TEST(padded("日", 4) == "日  ");
}

BOOST_AUTO_TEST_CASE(too_many_lines_end_with_how_many_more) {
  BOOST_TEST(fitted("a\nb\nc\n", {20, 3}) == "a\x1b[K\r\nb\x1b[K\r\nc");
  BOOST_TEST(fitted("a\nb\nc\nd\n", {20, 3}) == "a\x1b[K\r\nb\x1b[K\r\n2 more lines");
  BOOST_TEST(fitted("a\nb\n", {20, 1}) == "2 more lines");
}

BOOST_AUTO_TEST_SUITE_END()
