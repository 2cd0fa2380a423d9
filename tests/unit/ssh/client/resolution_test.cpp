#include "ssh/client/resolution.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::ssh;
using namespace holdfast::test;

namespace {

const Client k_client{"/usr/bin/ssh", {9, 2}};

Result<ResolvedRoute> route_to(const RecordedHost& host, const std::string& bastion) {
  return resolve_route(host, k_client, Destination::parse(bastion).value(), {}, host.me);
}

std::string text(const ResolvedRoute& route) {
  std::string out;
  for (const auto& hop : route.hops) out += (out.empty() ? "" : ",") + hop.text();
  return out;
}

/// Sets the output of `ssh -G` for these arguments.
void put(RecordedHost& host, const std::string& arguments, const std::string& output) {
  host.answer("/usr/bin/ssh -G " + arguments, output);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resolution)

BOOST_AUTO_TEST_CASE(the_output_of_ssh_g_is_parsed) {
  const auto resolved = parse_resolution(
                            "host b\nuser gate\nhostname bastion.example.org\nport 2200\nproxyusefdpass no\n"
                            "hostkeyalias foo\nidentityfile ~/.ssh/a b\nidentityfile ~/.ssh/c\nidentityagent none\n"
                            "proxyjump a@j1,j2:99,b@[192.0.2.1]:98,[2001:db8::1]:97\nuserknownhostsfile /dev/null\n")
                            .value();
  BOOST_TEST(resolved.user == "gate");
  BOOST_TEST(resolved.host == "bastion.example.org");
  BOOST_TEST(resolved.port == 2200);
  BOOST_TEST((resolved.jumps == std::vector<std::string>{"a@j1", "j2:99", "b@192.0.2.1:98", "[2001:db8::1]:97"}));
  BOOST_TEST((resolved.identities == std::vector<std::string>{"~/.ssh/a b", "~/.ssh/c"}));
  BOOST_TEST(resolved.host_key_alias.value() == "foo");
  BOOST_TEST(resolved.agent.value() == "none");
  BOOST_TEST(!resolved.proxy_command);
  BOOST_TEST(resolved.known_hosts == "/dev/null");
  for (const auto* torn : {"", "user a\nhostname b\n", "user a\nhostname b\nport 0\n", "hostname b\nport 22\n"})
    BOOST_TEST(!parse_resolution(torn));
}

BOOST_AUTO_TEST_CASE(host_aliases_resolve_to_their_addresses) {
  RecordedHost host;
  put(host, "-- hpc", "user gate\nhostname login.example.org\nport 22\nproxyjump ann@front,inner\n");
  // ssh passes the hops before the last one to its own ssh, in place of the ProxyJump in the configuration.
  put(host, "-- inner", "user ann\nhostname 10.0.0.7\nport 2022\nproxyjump elsewhere\n");
  put(host, "-- ann@front", "user ann\nhostname front.example.org\nport 22\nproxyjump fe80\n");
  put(host, "-- fe80", "user root\nhostname fe80::1\nport 22\n");
  BOOST_TEST(text(route_to(host, "hpc").value()) ==
             "root@[fe80::1],ann@front.example.org,ann@10.0.0.7:2022,gate@login.example.org");
}

BOOST_AUTO_TEST_CASE(a_given_port_and_a_proxy_command_are_kept) {
  RecordedHost host;
  put(host, "-p 2200 -- gate@b", "user gate\nhostname b\nport 2200\nproxycommand nc %h %p\n");
  const auto route = route_to(host, "gate@b:2200").value();
  BOOST_TEST(text(route) == "gate@b:2200");
  BOOST_TEST((route.proxy_commands == std::vector<std::string>{"nc %h %p"}));
}

BOOST_AUTO_TEST_CASE(an_unresolvable_route_is_an_error) {
  RecordedHost host;
  put(host, "-- loop", "user a\nhostname a\nport 22\nproxyjump loop\n");
  BOOST_TEST(route_to(host, "loop").error().cause == "too many hops or a loop");
  put(host, "-- odd", "user a\nhostname $(id)\nport 22\n");
  BOOST_TEST(!route_to(host, "odd"));
  host.answer("/usr/bin/ssh -G -- broken",
              os::Completed{255, false, {}, "config line 3: Bad configuration option: x\n"});
  BOOST_TEST(route_to(host, "broken").error().cause == "config line 3: Bad configuration option: x");
}

BOOST_AUTO_TEST_SUITE_END()
