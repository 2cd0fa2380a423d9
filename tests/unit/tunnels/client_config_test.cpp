// The ~/.ssh/config block for a laptop.
#include "tunnels/client_config.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

ClientConfig made(const std::string& name, const std::vector<std::string>& ports,
                  const std::vector<ClientTarget>& targets, std::set<std::string>& aliases,
                  const std::vector<std::string>& hops = {"gate@bastion"}, const std::string& host = {}) {
  TunnelSpec spec{TunnelName::parse(name).value(), Destination::parse("hpc").value(), {}};
  for (const auto& port : ports) spec.forwards.push_back(Forward::parse(port).value());
  spec.host = host;
  ssh::ResolvedRoute route;
  for (const auto& hop : hops) route.hops.push_back(Destination::parse(hop).value());
  return client_config(Tunnel::make(std::move(spec)).value(), route, targets, {"ann", "WS"}, aliases);
}

std::string config_of(const std::vector<std::string>& ports, const std::vector<bool>& speaks_ssh,
                      const std::vector<std::string>& hops = {"gate@bastion"}, const std::string& host = {}) {
  std::vector<ClientTarget> targets;
  for (const bool speaks : speaks_ssh) targets.push_back({.speaks_ssh = speaks});
  std::set<std::string> aliases{"lab"};
  return client_config_text(made("lab", ports, targets, aliases, hops, host));
}

/// "alias host_key_alias" of each block.
std::vector<std::string> aliases_of(const ClientConfig& config) {
  std::vector<std::string> found;
  for (const auto& block : config.hosts) found.push_back(block.alias + " " + block.host_key_alias);
  return found;
}

using Texts = std::vector<std::string>;

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

BOOST_AUTO_TEST_CASE(a_tunnel_without_a_name_of_its_own_has_the_hosts_name) {
  const std::vector<ClientTarget> two{{true}, {true}};
  std::set<std::string> aliases{"2222", "2224"};
  BOOST_TEST(aliases_of(made("2222", {"2222", "2223:nas:22"}, two, aliases)) ==
                 (Texts{"WS holdfast-ws-2222", "2222-2223 holdfast-ws-2222-2223"}),
             boost::test_tools::per_element());
  // The next tunnel to this host.
  BOOST_TEST(aliases_of(made("2224", {"2224", "2225"}, two, aliases)) ==
                 (Texts{"WS-2224 holdfast-ws-2224", "WS-2225 holdfast-ws-2224-2225"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_hosts_name_is_not_used_when_it_would_mislead) {
  const auto alias = [](const std::string& name, const std::string& port, const std::string& host,
                        std::set<std::string> aliases) {
    return made(name, {port}, {{true}}, aliases, {"gate@bastion"}, host).hosts.front().alias;
  };
  BOOST_TEST(alias("2222", "2222", "", {}) == "WS");
  BOOST_TEST(alias("2222", "2222", "other", {}) == "other");
  BOOST_TEST(alias("2223", "2222", "", {}) == "2223");         // the user chose it
  BOOST_TEST(alias("2222", "2222:nas:22", "", {}) == "2222");  // another machine
  BOOST_TEST(alias("2222", "2222", "any", {}) == "2222");      // one of several hosts
  BOOST_TEST(alias("2222", "2222", "*", {}) == "2222");        // a pattern
  BOOST_TEST(alias("2222", "2222", "", {"WS"}) == "WS-2222");  // the name of another tunnel
}

BOOST_AUTO_TEST_CASE(a_known_host_key_is_a_line_for_known_hosts) {
  std::set<std::string> aliases;
  const auto config = made("2222", {"2222"}, {{true, "ssh-ed25519 AAAAC3Nz"}}, aliases);
  BOOST_TEST(config.hosts.front().known_hosts == "holdfast-ws-2222 ssh-ed25519 AAAAC3Nz");
  BOOST_TEST(client_config_text(config).find("  #   holdfast-ws-2222 ssh-ed25519 AAAAC3Nz\n") != std::string::npos);
  BOOST_TEST(client_config_json({config}).find("\"known_hosts\":\"holdfast-ws-2222 ssh-ed25519 AAAAC3Nz\"") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
