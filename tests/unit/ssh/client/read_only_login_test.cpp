#include "ssh/client/read_only_login.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::ssh;

namespace {

std::string proxy_command(const std::vector<std::string>& jumps) {
  ResolvedRoute route;
  for (const auto& jump : jumps) route.proxy_jumps.push_back(Destination::parse(jump).value());
  const auto options = read_only_login_options({"/usr/bin/ssh", {9, 2}}, route);
  BOOST_REQUIRE(options.size() >= 2U);
  BOOST_TEST((options[0] == SshOption{"UpdateHostKeys", "no"}));
  BOOST_TEST((options[1] == SshOption{"CheckHostIP", "no"}));
  if (options.size() == 2) return {};
  BOOST_TEST(options[2].key == "ProxyCommand");
  return options[2].value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(read_only_login)

BOOST_AUTO_TEST_CASE(without_a_jump_host_there_is_no_proxy_command) { BOOST_TEST(proxy_command({}).empty()); }

BOOST_AUTO_TEST_CASE(each_jump_host_gets_the_options) {
  const std::string first = "/usr/bin/ssh -o UpdateHostKeys=no -o CheckHostIP=no";
  BOOST_TEST(proxy_command({"ann@front:2200"}) == first + " -p 2200 -W '[%h]:%p' -- ann@front");
  BOOST_TEST(proxy_command({"front", "inner"}) ==
             first + R"( -o 'ProxyCommand=)" + first + R"( -W '\''[%%h]:%%p'\'' -- front' -W '[%h]:%p' -- inner)");
}

BOOST_AUTO_TEST_SUITE_END()
