#include "store/last_connection.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace holdfast::store {

BOOST_AUTO_TEST_SUITE(last_connection)

BOOST_AUTO_TEST_CASE(connections_read_back_equal) {
  const Connections kept{{"gate@a:2200", os::TcpPair{{"10.0.0.2", 40000}, {"203.0.113.9", 22}}},
                         {"[2001:db8::1]", os::TcpPair{{"2001:db8::2", 1}, {"2001:db8::1", 65535}}}};
  BOOST_TEST((parse_connections(format_connections(kept), "gate@a:2200") == kept));
}

// Behind a proxy the connection is not known, but that the tunnel held its ports is.
BOOST_AUTO_TEST_CASE(a_bastion_behind_a_proxy_reads_back) {
  const Connections kept{{"gate@a", std::nullopt}, {"b", os::TcpPair{{"10.0.0.2", 40000}, {"203.0.113.9", 22}}}};
  BOOST_TEST((parse_connections(format_connections(kept), "b") == kept));
  BOOST_TEST(parse_connections("- - - 22 a\n", "a").empty());
}

BOOST_AUTO_TEST_CASE(a_line_without_bastion_belongs_to_the_first_bastion) {
  const auto read = parse_connections("10.0.0.2 40000 203.0.113.9 22\n", "gate@a");
  BOOST_REQUIRE(read.contains("gate@a"));
  BOOST_TEST((read.at("gate@a") == os::TcpPair{{"10.0.0.2", 40000}, {"203.0.113.9", 22}}));
}

BOOST_AUTO_TEST_CASE(an_invalid_line_is_skipped) {
  for (const std::string text :
       {"", "\n", "10.0.0.2 40000 203.0.113.9 22", "10.0.0.2 40000 203.0.113.9\n", "10.0.0.2 0 203.0.113.9 22\n",
        "10.0.0.2 40000 bastion 22\n", "10.0.0.2 40000 203.0.113.9 22 x y\n", "10.0.0.2 40000 -oProxy 22\n",
        "10.0.0.2 40000 203.0.113.9 22 \x1b[2J\n"})
    BOOST_TEST(parse_connections(text, "a").empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
