// The ~/.ssh/config block for a laptop.
#include "tunnels/client_config.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

std::string config_of(const std::vector<std::string>& ports, const std::vector<bool>& speaks_ssh,
                      const std::vector<std::string>& hops = {"gate@bastion"}, const std::string& host = {}) {
  TunnelSpec spec{TunnelName::parse("lab").value(), Destination::parse("hpc").value(), {}};
  for (const auto& port : ports) spec.forwards.push_back(Forward::parse(port).value());
  spec.host = host;
  ssh::ResolvedRoute route;
  for (const auto& hop : hops) route.hops.push_back(Destination::parse(hop).value());
  return client_config_text(client_config(Tunnel::make(std::move(spec)).value(), route, speaks_ssh, "ann", "WS"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_config_block)

BOOST_AUTO_TEST_CASE(a_block_names_port_user_jumps_and_host_key) {
  BOOST_TEST(config_of({"2222"}, {true}, {"ann@front:2200", "gate@[::1]"}) ==
             "# tunnel lab to WS, through hpc\n"
             "Host lab\n"
             "  HostName 127.0.0.1\n"
             "  Port 2222\n"
             "  User ann\n"
             "  ProxyJump ann@front:2200,gate@[::1]\n"
             "  HostKeyAlias holdfast-ws-lab\n");
}

BOOST_AUTO_TEST_CASE(an_ssh_target_gets_a_block_and_others_a_command) {
  BOOST_TEST(config_of({"8080:localhost:80", "0.0.0.0:2222", "[::1]:2223:nas:22"}, {false, true, true},
                       {"j", "gate@bastion:2200"}) ==
             "# tunnel lab to WS, through hpc\n"
             "Host lab\n"
             "  HostName 127.0.0.1\n"
             "  Port 2222\n"
             "  User ann\n"
             "  ProxyJump j,gate@bastion:2200\n"
             "  HostKeyAlias holdfast-ws-lab\n"
             "Host lab-2223\n"
             "  HostName ::1\n"
             "  Port 2223\n"
             "  # the target is nas:22: add User with your login name there\n"
             "  ProxyJump j,gate@bastion:2200\n"
             "  HostKeyAlias holdfast-ws-lab-2223\n"
             "# localhost:80 at localhost:8080, while this command runs:\n"
             "#   ssh -N -L 8080:127.0.0.1:8080 -J j -p 2200 gate@bastion\n");
}

BOOST_AUTO_TEST_CASE(a_socket_on_the_bastion_needs_a_local_port) {
  BOOST_TEST(config_of({"/run/lab.sock"}, {true}) ==
             "# tunnel lab to WS, through hpc\n"
             "# ssh cannot jump to a socket. Run this command first, it forwards /run/lab.sock:\n"
             "#   ssh -N -L 2222:/run/lab.sock gate@bastion\n"
             "Host lab\n"
             "  HostName 127.0.0.1\n"
             "  Port 2222\n"
             "  User ann\n"
             "  HostKeyAlias holdfast-ws-lab\n");
}

BOOST_AUTO_TEST_CASE(a_shared_tunnel_has_its_own_host_key_alias) {
  const auto text = config_of({"2222"}, {true}, {"gate@bastion"}, "any");
  BOOST_TEST(text.find("# tunnel lab to the host that has it") == 0U);
  BOOST_TEST(text.find("HostKeyAlias holdfast-any-lab\n") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
