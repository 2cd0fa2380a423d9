#include "core/loopback_endpoint.hpp"

#include <boost/test/unit_test.hpp>

namespace holdfast {

BOOST_AUTO_TEST_SUITE(loopback_addresses)

BOOST_AUTO_TEST_CASE(a_wildcard_bind_address_is_replaced_by_loopback) {
  const auto dialled = [](const char* forward) {
    return end_text(loopback_endpoint(Forward::parse(forward)->listen()));
  };
  BOOST_TEST(dialled("2222") == "127.0.0.1:2222");
  BOOST_TEST(dialled("0.0.0.0:2222:localhost:22") == "127.0.0.1:2222");
  BOOST_TEST(dialled("[::]:2222:localhost:22") == "[::1]:2222");
  BOOST_TEST(dialled("10.0.0.7:2222:localhost:22") == "10.0.0.7:2222");
}

BOOST_AUTO_TEST_CASE(a_name_and_a_wildcard_have_an_address_of_each_family) {
  const auto dialled = [](const char* forward) {
    std::string list;
    for (const End& end : loopback_endpoints(Forward::parse(forward)->listen())) list += end_text(end) + " ";
    return list;
  };
  BOOST_TEST(dialled("2222") == "127.0.0.1:2222 ");
  BOOST_TEST(dialled("localhost:2222:localhost:22") == "127.0.0.1:2222 [::1]:2222 ");
  BOOST_TEST(dialled("[::]:2222:localhost:22") == "[::1]:2222 127.0.0.1:2222 ");
  BOOST_TEST(dialled("0.0.0.0:2222:localhost:22") == "127.0.0.1:2222 ");
  BOOST_TEST(dialled("10.0.0.7:2222:localhost:22") == "10.0.0.7:2222 ");
  BOOST_TEST(dialled("/run/lab.sock:localhost:22") == "/run/lab.sock ");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast
