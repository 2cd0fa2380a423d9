// Text that is larger than the screen.
#include "cli/output/screen.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast::cli;

BOOST_AUTO_TEST_SUITE(screen)

BOOST_AUTO_TEST_CASE(the_last_row_counts_the_lines_that_do_not_fit) {
  BOOST_TEST(fitted("a\nb\nc\n", {20, 3}) == "a\x1b[K\r\nb\x1b[K\r\nc");
  BOOST_TEST(fitted("a\nb\nc\nd\n", {20, 3}) == "a\x1b[K\r\nb\x1b[K\r\n2 more lines");
  BOOST_TEST(fitted("a\nb\n", {20, 1}) == "2 more lines");
}

BOOST_AUTO_TEST_SUITE_END()
