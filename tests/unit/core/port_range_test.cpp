#include "core/port_range.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;

BOOST_AUTO_TEST_SUITE(port_range)

BOOST_AUTO_TEST_CASE(a_port_or_a_range_is_parsed) {
  const auto single = PortRange::parse("2230").value();
  BOOST_TEST(single.is_single());
  BOOST_TEST(single.first() == 2230);
  BOOST_TEST(single.text() == "2230");
  const auto range = PortRange::parse("2230-2239").value();
  BOOST_TEST(!range.is_single());
  BOOST_TEST(range.last() == 2239);
  BOOST_TEST(range.text() == "2230-2239");
  BOOST_TEST(PortRange::parse("1-256").has_value());
  BOOST_TEST(PortRange::parse("7-7")->text() == "7");
  BOOST_TEST(PortRange::parse("65535").has_value());
}

BOOST_AUTO_TEST_CASE(other_texts_are_usage_errors) {
  for (const char* text : {"", "0", "65536", "0-5", "5-0", "9-3", "1-257", "-5", "5-", "-", "1-2-3", "1 -2", "0x10",
                           "+5", "2230\n", "127.0.0.1:2230", "2230:localhost:22", "99999999999", "/run/x.sock"}) {
    const auto parsed = PortRange::parse(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(!parsed);
      BOOST_TEST((parsed.error().status == ExitStatus::usage));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_port_after_the_last_is_the_first) {
  const auto range = PortRange::parse("2230-2232").value();
  BOOST_TEST(range.after(2230) == 2231);
  BOOST_TEST(range.after(2232) == 2230);
  BOOST_TEST(range.after(99) == 2230);
  BOOST_TEST(PortRange::parse("65535")->after(65535) == 65535);
}

BOOST_AUTO_TEST_SUITE_END()
