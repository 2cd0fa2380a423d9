// What a laptop puts into its ~/.ssh/config.
#include "tunnels/client_config.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

std::string config_of(const std::vector<std::string>& ports, const std::vector<bool>& speaks_ssh,
                      const std::vector<std::string>& stations = {"gate@bastion"}, const std::string& host = {}) {
  TunnelSpec spec{TunnelName::parse("lab").value(), Destination::parse("hpc").value(), {}};
  for (const auto& port : ports) spec.forwards.push_back(Forward::parse(port).value());
  spec.host = host;
  ssh::ResolvedRoute way;
  for (const auto& station : stations) way.stations.push_back(Destination::parse(station).value());
  return client_config_text(client_config(Tunnel::make(std::move(spec)).value(), way, speaks_ssh, "ann", "WS"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_config_block)

BOOST_AUTO_TEST_CASE(the_block_has_all_that_a_laptop_lacks) {
  BOOST_TEST(config_of({"2222"}, {true}, {"ann@front:2200", "gate@[::1]"}) ==
             "# tunnel lab to WS, by way of hpc\n"
             "Host lab\n"
             "  HostName 127.0.0.1\n"
             "  Port 2222\n"
             "  User ann\n"
             "  ProxyJump ann@front:2200,gate@[::1]\n"
             "  HostKeyAlias holdfast-ws-lab\n");
}

BOOST_AUTO_TEST_CASE(each_ssh_server_is_a_host_and_all_else_a_command) {
  BOOST_TEST(config_of({"8080:localhost:80", "0.0.0.0:2222", "[::1]:2223:nas:22"}, {false, true, true},
                       {"j", "gate@bastion:2200"}) ==
             "# tunnel lab to WS, by way of hpc\n"
             "Host lab\n"
             "  HostName 127.0.0.1\n"
             "  Port 2222\n"
             "  User ann\n"
             "  ProxyJump j,gate@bastion:2200\n"
             "  HostKeyAlias holdfast-ws-lab\n"
             "Host lab-2223\n"
             "  HostName ::1\n"
             "  Port 2223\n"
             "  # it leads on to nas:22: add User, whoever you are there\n"
             "  ProxyJump j,gate@bastion:2200\n"
             "  HostKeyAlias holdfast-ws-lab-2223\n"
             "# localhost:80 at localhost:8080, while this runs:\n"
             "#   ssh -N -L 8080:127.0.0.1:8080 -J j -p 2200 gate@bastion\n");
}

BOOST_AUTO_TEST_CASE(a_socket_of_the_bastion_is_reached_by_a_port_of_the_laptop) {
  BOOST_TEST(config_of({"/run/lab.sock"}, {true}) ==
             "# tunnel lab to WS, by way of hpc\n"
             "# ssh can jump to no socket: /run/lab.sock is had by this, while it runs:\n"
             "#   ssh -N -L 2222:/run/lab.sock gate@bastion\n"
             "Host lab\n"
             "  HostName 127.0.0.1\n"
             "  Port 2222\n"
             "  User ann\n"
             "  HostKeyAlias holdfast-ws-lab\n");
}

BOOST_AUTO_TEST_CASE(whose_key_it_will_be_is_said_where_any_host_may_have_it) {
  const auto text = config_of({"2222"}, {true}, {"gate@bastion"}, "any");
  BOOST_TEST(text.find("# tunnel lab to whichever host has it") == 0U);
  BOOST_TEST(text.find("HostKeyAlias holdfast-any-lab\n") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
