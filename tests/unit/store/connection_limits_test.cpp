#include "store/connection_limits.hpp"

#include "store/scratch_directory.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace holdfast::store {

BOOST_AUTO_TEST_SUITE(connection_limits)

const WallTime k_when{std::chrono::seconds(1'795'341'600)};
const TcpEnd k_bastion{"203.0.113.9", 22};

BOOST_AUTO_TEST_CASE(limits_read_back_equal) {
  const ConnectionLimits kept{{k_bastion, k_when}, {{"2001:db8::1", 65535}, k_when}};
  BOOST_TEST((parse_connection_limits(format_connection_limits(kept)) == kept));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_second_is_rounded_up) {
  BOOST_TEST(format_connection_limits({{k_bastion, k_when + std::chrono::milliseconds(1)}}) ==
             "203.0.113.9 22 1795341601\n");
}

BOOST_AUTO_TEST_CASE(an_invalid_line_is_skipped) {
  for (const std::string text :
       {"", "\n", "203.0.113.9 22 1795341600", "203.0.113.9 22\n", "203.0.113.9 0 1795341600\n",
        "bastion 22 1795341600\n", "203.0.113.9 22 -1\n", "203.0.113.9 22 99999999999999999999\n",
        "203.0.113.9 22 1795341600 x\n", "203.0.113.9\x1b[2J 22 1795341600\n", "-oProxyCommand=x 22 1795341600\n"})
    BOOST_TEST(parse_connection_limits(text).empty(), text);
}

BOOST_AUTO_TEST_CASE(a_long_file_is_bounded) {
  std::string text;
  for (int line = 0; line < 40; ++line) text += "203.0.113.9 22 1795341600\n";
  BOOST_TEST(parse_connection_limits(text).size() == 16U);
  while (text.size() <= 4096) text += text;
  BOOST_TEST(parse_connection_limits(text).empty());
}

BOOST_AUTO_TEST_CASE(lifting_the_last_limit_removes_the_file) {
  const test::ScratchDirectory home;
  const test::HostAtHome host(home.path());
  const auto where = paths(Scope::user, *host).value();
  const auto name = TunnelName::parse("lab").value();
  BOOST_REQUIRE(host->make_directories(where.state, 0700));
  const TcpEnd other{"203.0.113.10", 22};
  BOOST_TEST(keep_connection_limit(*host, where, name, k_bastion, std::nullopt).has_value());
  BOOST_TEST(keep_connection_limit(*host, where, name, k_bastion, k_when).has_value());
  BOOST_TEST(keep_connection_limit(*host, where, name, other, k_when).has_value());
  BOOST_TEST(keep_connection_limit(*host, where, name, k_bastion, k_when + std::chrono::seconds(30)).has_value());
  BOOST_TEST((read_connection_limits(*host, where, name) ==
              ConnectionLimits{{k_bastion, k_when + std::chrono::seconds(30)}, {other, k_when}}));
  BOOST_TEST(keep_connection_limit(*host, where, name, other, std::nullopt).has_value());
  BOOST_TEST(keep_connection_limit(*host, where, name, k_bastion, std::nullopt).has_value());
  BOOST_TEST(!fs::exists(connection_limits_file(where, name)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::store
