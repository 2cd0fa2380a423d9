// The manual pages inside the program.
#include "cli/man_page.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast::cli;

BOOST_AUTO_TEST_SUITE(man_pages)

BOOST_AUTO_TEST_CASE(every_page_is_embedded_and_readable) {
  for (const char* name : {"holdfast", "holdfast.conf", "holdfast.conf.5", "holdfast-backends"}) {
    const auto page = man_page(name);
    BOOST_REQUIRE(page);
    const auto text = render_overstrikes(*page, false);
    BOOST_TEST(text.find("\nNAME\n") != std::string::npos, name);
    BOOST_TEST(text.find_first_of("\b\x1b") == std::string::npos, name);
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_page_is_a_usage_error_with_a_suggestion) {
  const auto page = man_page("holdfast.cnf");
  BOOST_REQUIRE(!page);
  BOOST_TEST(page.error().hint == "did you mean holdfast.conf");
  BOOST_TEST(static_cast<int>(page.error().status) == 2);
}

BOOST_AUTO_TEST_CASE(overstrikes_become_bold_with_colour) {
  const auto source = "N\bNA\bA _\bfile \xE2\x80\xA6\b\xE2\x80\xA6.";
  BOOST_TEST(render_overstrikes(source, false) == "NA file ….");
  BOOST_TEST(render_overstrikes(source, true) == "\x1b[1mNA\x1b[0m file \x1b[1m…\x1b[0m.");
}

BOOST_AUTO_TEST_SUITE_END()
