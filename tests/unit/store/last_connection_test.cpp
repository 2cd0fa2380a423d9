#include "store/last_connection.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace holdfast::store {

BOOST_AUTO_TEST_SUITE(last_connection)

BOOST_AUTO_TEST_CASE(it_is_read_back_as_it_was_kept) {
  for (const os::TcpPair& pair : {os::TcpPair{{"10.0.0.2", 40000}, {"203.0.113.9", 22}},
                                  os::TcpPair{{"2001:db8::2", 1}, {"2001:db8::1", 65535}}}) {
    const auto read = parse_connection(format_connection(pair));
    BOOST_REQUIRE(read);
    BOOST_TEST((*read == pair));
  }
}

BOOST_AUTO_TEST_CASE(a_torn_or_foreign_line_is_none) {
  for (const std::string text :
       {"", "\n", "10.0.0.2 40000 203.0.113.9 22", "10.0.0.2 40000 203.0.113.9\n", "10.0.0.2 0 203.0.113.9 22\n",
        "10.0.0.2 40000 bastion 22\n", "10.0.0.2 40000 203.0.113.9 22 x\n", "10.0.0.2 40000 -oProxy 22\n"})
    BOOST_TEST(!parse_connection(text));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
