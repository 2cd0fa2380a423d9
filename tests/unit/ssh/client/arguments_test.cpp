#include "ssh/client/arguments.hpp"

#include "os/posix_host.hpp"
#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::ssh;

namespace {

using Arguments = std::vector<std::string>;

Arguments arguments(const Tunnel& tunnel, Version version = {9, 2}, Session session = {"/run/h/ctl", "/run/h/log"}) {
  return master_arguments({"/usr/bin/ssh", version}, tunnel, session);
}

bool has(const Arguments& argv, const std::string& wanted) {
  return std::find(argv.begin(), argv.end(), wanted) != argv.end();
}

/// The value that ssh uses for `key`: that of the first -o.
std::string effective(const Arguments& argv, const std::string& key) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
    if (argv[i] == "--") break;
    const auto equals = argv[i + 1].find('=');
    if (argv[i] == "-o" && lower(argv[i + 1].substr(0, equals)) == lower(key)) return argv[i + 1].substr(equals + 1);
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(arguments_of_ssh)

BOOST_AUTO_TEST_CASE(every_enforced_setting_is_present) {
  const auto argv = arguments(tunnel_to("gate@bastion"));
  const std::vector<std::pair<std::string, std::string>> enforced{{"BatchMode", "yes"},
                                                                  {"ExitOnForwardFailure", "yes"},
                                                                  {"ServerAliveInterval", "15"},
                                                                  {"ServerAliveCountMax", "3"},
                                                                  {"ConnectTimeout", "10"},
                                                                  {"ClearAllForwardings", "yes"},
                                                                  {"PermitLocalCommand", "no"},
                                                                  {"ControlPersist", "no"},
                                                                  {"LogLevel", "INFO"},
                                                                  {"StrictHostKeyChecking", "yes"},
                                                                  {"VerifyHostKeyDNS", "no"},
                                                                  {"NoHostAuthenticationForLocalhost", "no"},
                                                                  {"RemoteCommand", "none"},
                                                                  {"ForkAfterAuthentication", "no"},
                                                                  {"PreferredAuthentications", "publickey"}};
  for (const auto& [key, value] : enforced) BOOST_TEST_CONTEXT(key) BOOST_TEST(effective(argv, key) == value);
  const Arguments start(argv.begin(), argv.begin() + 7);
  BOOST_TEST((start == Arguments{"/usr/bin/ssh", "-N", "-M", "-S", "/run/h/ctl", "-E", "/run/h/log"}));
}

BOOST_AUTO_TEST_CASE(user_options_cannot_override_enforced_ones) {
  auto spec = spec_to("gate@bastion");
  spec.ssh_options = {{"Compression", "yes"}, {"serveraliveinterval", "0"}, {"PreferredAuthentications", "gssapi"}};
  const auto argv = arguments(Tunnel::make(spec).value());
  BOOST_TEST(effective(argv, "Compression") == "yes");
  BOOST_TEST(effective(argv, "ServerAliveInterval") == "15");
  BOOST_TEST(effective(argv, "PreferredAuthentications") == "gssapi");
  BOOST_TEST(!has(argv, "PreferredAuthentications=publickey"));
}

BOOST_AUTO_TEST_CASE(options_unknown_to_a_release_are_left_out) {
  const auto tunnel = tunnel_to("gate@bastion");
  BOOST_TEST(effective(arguments(tunnel, {7, 5}), "RemoteCommand").empty());
  BOOST_TEST(effective(arguments(tunnel, {7, 6}), "RemoteCommand") == "none");
  BOOST_TEST(effective(arguments(tunnel, {8, 6}), "ForkAfterAuthentication").empty());
  BOOST_TEST(effective(arguments(tunnel, {8, 7}), "ForkAfterAuthentication") == "no");
  BOOST_TEST(effective(arguments(tunnel, {10, 0}), "ForkAfterAuthentication") == "no");
  for (const auto& argument : arguments(tunnel)) BOOST_TEST((argument.find("IgnoreUnknown") == std::string::npos));
}

BOOST_AUTO_TEST_CASE(the_destination_comes_last_and_is_never_an_option) {
  const auto end_of = [](const Arguments& argv) { return Arguments(argv.end() - 2, argv.end()); };
  const auto with_port = arguments(tunnel_to("gate@bastion:2200"));
  BOOST_TEST((end_of(with_port) == Arguments{"--", "gate@bastion"}));
  BOOST_TEST((Arguments(with_port.end() - 4, with_port.end() - 2) == Arguments{"-p", "2200"}));
  BOOST_TEST((end_of(arguments(tunnel_to("[::1]:22"))) == Arguments{"--", "::1"}));
  const auto alias = arguments(tunnel_to("lab"));
  BOOST_TEST((end_of(alias) == Arguments{"--", "lab"}));
  BOOST_TEST(!has(alias, "-p"));  // the alias has a port in ssh_config
}

BOOST_AUTO_TEST_CASE(forwards_are_not_arguments) {
  for (const auto& argument : arguments(tunnel_to("lab", {"2222", "8080:localhost:80"}))) {
    BOOST_TEST(argument != "-R");
    BOOST_TEST((argument.find("2222") == std::string::npos));
  }
}

BOOST_AUTO_TEST_CASE(a_given_key_is_the_only_key) {
  const auto argv = arguments(tunnel_with_key("lab", "/home/ada/.ssh/id lab"));
  BOOST_TEST(effective(argv, "IdentitiesOnly") == "yes");
  const auto at = std::find(argv.begin(), argv.end(), "-i");
  BOOST_REQUIRE((at != argv.end()));
  BOOST_TEST(*(at + 1) == "/home/ada/.ssh/id lab");

  // ssh expands tokens in the option, but checks the file of -i first.
  const auto odd = arguments(tunnel_with_key("lab", "/home/ada/100%\"key"));
  BOOST_TEST(effective(odd, "IdentityFile") == "\"/home/ada/100%%\\\"key\"");
  BOOST_TEST(!has(odd, "-i"));

  const auto none = arguments(tunnel_to("lab"));
  BOOST_TEST(effective(none, "IdentitiesOnly").empty());
  BOOST_TEST(!has(none, "-i"));
}

BOOST_AUTO_TEST_CASE(a_given_key_needs_no_agent) {
  BOOST_TEST(effective(arguments(tunnel_with_key("lab", "/home/ada/.ssh/id")), "IdentityAgent") == "none");
  BOOST_TEST(effective(arguments(tunnel_to("lab")), "IdentityAgent").empty());
  auto spec = spec_to("lab");
  spec.identity = "/home/ada/.ssh/id";
  spec.ssh_options = {{"IdentityAgent", "/run/agent"}};
  BOOST_TEST(effective(arguments(Tunnel::make(spec).value()), "IdentityAgent") == "/run/agent");
}

BOOST_AUTO_TEST_CASE(percent_signs_in_paths_are_not_expanded) {
  const auto argv = arguments(tunnel_to("lab"), {9, 2}, {"/run/50%h/ctl", "/run/50%h/log"});
  BOOST_TEST(argv[4] == "/run/50%%h/ctl");
  BOOST_TEST(argv[6] == "/run/50%h/log");
  BOOST_TEST(control_argument("/run/50%h/ctl") == argv[4]);
}

BOOST_AUTO_TEST_CASE(a_pinned_key_adds_to_the_known_hosts) {
  auto spec = spec_to("lab");
  spec.known_hosts = "/home/ada/.config/holdfast/known hosts";
  const auto argv = arguments(Tunnel::make(spec).value());
  BOOST_TEST(effective(argv, "GlobalKnownHostsFile") ==
             "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2 \"/home/ada/.config/holdfast/known hosts\"");
  BOOST_TEST(effective(argv, "UserKnownHostsFile").empty());
  BOOST_TEST(effective(argv, "UpdateHostKeys").empty());

  spec.run_as = "ada";
  BOOST_TEST(effective(arguments(Tunnel::make(spec).value()), "UpdateHostKeys") == "no");
}

BOOST_AUTO_TEST_CASE(options_of_preflight_win) {
  const auto argv = arguments(tunnel_to("lab"), {9, 2},
                              {"/run/h/ctl", "/run/h/log", true, {{"StrictHostKeyChecking", "accept-new"}}});
  BOOST_TEST(effective(argv, "StrictHostKeyChecking") == "accept-new");
  BOOST_TEST(effective(argv, "LogLevel") == "DEBUG1");
}

BOOST_AUTO_TEST_CASE(the_version_is_read_from_ssh_output) {
  BOOST_TEST((parse_version("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026\n").value() == Version{9, 2}));
  BOOST_TEST((parse_version("OpenSSH_10.0p2, OpenSSL 3.5.0\n").value() == Version{10, 0}));
  BOOST_TEST((parse_version("OpenSSH_7.4p1, OpenSSL 1.0.2k-fips  26 Jan 2017\n").value() == Version{7, 4}));
  BOOST_TEST((parse_version("OpenSSH_for_Windows_8.1").has_error()));
  for (const char* wrong : {"", "OpenSSH_", "OpenSSH_9", "OpenSSH_.2", "OpenSSH_9.x", "Dropbear v2022.83",
                            "hello\nOpenSSH_9.2", "OpenSSH_99999999999.1"})
    BOOST_TEST_CONTEXT(wrong) BOOST_TEST(parse_version(wrong).has_error());
}

BOOST_AUTO_TEST_CASE(the_job_environment_drops_login_variables) {
  const auto host = os::make_posix_host();
  ::setenv("SSH_AUTH_SOCK", "/tmp/agent", 1);
  ::setenv("KRB5CCNAME", "FILE:/tmp/ticket", 1);
  ::setenv("XDG_CONFIG_HOME", "/home/ada/cfg", 1);
  ::setenv("XDG_DATA_HOME", "/home/ada/\ndata", 1);
  auto user = host->user();
  user.name = "ada";
  user.home = "/home/ada";
  const auto own = job_environment(*host, user);
  BOOST_TEST(!own.contains("SSH_AUTH_SOCK"));
  BOOST_TEST(!own.contains("KRB5CCNAME"));
  BOOST_TEST(!own.contains("XDG_DATA_HOME"));
  BOOST_TEST(own.at("XDG_CONFIG_HOME") == "/home/ada/cfg");
  BOOST_TEST(own.at("HOME") == "/home/ada");
  BOOST_TEST(own.at("LOGNAME") == "ada");
  BOOST_TEST(own.at("LANG") == "C.UTF-8");

  user.uid += 1;
  const auto other = job_environment(*host, user);
  BOOST_TEST(!other.contains("XDG_CONFIG_HOME"));
  BOOST_TEST(other.at("PATH") == "/usr/local/bin:/usr/bin:/bin");
  for (const char* name : {"SSH_AUTH_SOCK", "KRB5CCNAME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}) ::unsetenv(name);
}

BOOST_AUTO_TEST_SUITE_END()
