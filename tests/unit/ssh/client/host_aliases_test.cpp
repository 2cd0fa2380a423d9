// The host aliases of a user's ssh_config and its includes, for completion.
#include "ssh/client/host_aliases.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::test;

namespace {

struct Config {
  RecordedHost host;
  std::vector<std::string> aliases(const std::string& text) {
    host.put("/home/ann/.ssh/config", text);
    return ssh::host_aliases(host, "/home/ann");
  }
};

using Names = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(host_aliases, Config)

BOOST_AUTO_TEST_CASE(names_are_listed_but_patterns_are_not) {
  BOOST_TEST(aliases("Host lab bastion\n HostName x\nhOsT=gate\nHost = \"quoted\" # comment\nHost *.org !not b?x *\n"
                     "Match host other\n#Host comment\nHostKeyAlias no\nHost lab\n") ==
             (Names{"bastion", "gate", "lab", "quoted"}));
}

BOOST_AUTO_TEST_CASE(an_invalid_bastion_is_not_listed) {
  BOOST_TEST(aliases("Host -oProxyCommand=x $(id) `id` a;b a/b a:22 you@b \xff\xfe ok\r\nHost\nHost \"\"\n") ==
             Names{"ok"});
}

BOOST_AUTO_TEST_CASE(includes_are_followed) {
  host.put("/home/ann/.ssh/more", "Host more\n");
  host.put("/home/ann/conf.d/10-a.conf", "Host ten\nInclude ~/.ssh/deeper\n");
  host.put("/home/ann/conf.d/20-b.conf", "Host twenty\n");
  host.put("/home/ann/conf.d/readme", "Host no\n");
  host.put("/home/ann/conf.d/.hidden.conf", "Host hidden\n");
  host.put("/home/ann/.ssh/deeper", "Host deeper\n");
  BOOST_TEST(aliases("Include more ~/conf.d/*.conf missing /none/*\nHost here\n") ==
             (Names{"deeper", "here", "more", "ten", "twenty"}));
}

BOOST_AUTO_TEST_CASE(circular_includes_end) {
  host.put("/home/ann/.ssh/a", "Include a a a config\nHost inside\n");
  BOOST_TEST(aliases("Include a\nHost outside\n") == (Names{"inside", "outside"}));
}

BOOST_AUTO_TEST_CASE(without_a_configuration_there_are_no_aliases) {
  BOOST_TEST(ssh::host_aliases(host, "/home/ann").empty());
}

BOOST_AUTO_TEST_SUITE_END()
