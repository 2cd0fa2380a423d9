#include "ssh/autossh/autossh.hpp"

#include "backends/recorded_host.hpp"
#include "ssh/tunnels.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::ssh;

namespace {

using Arguments = std::vector<std::string>;
using Kind = AutosshLine::Kind;

const Client k_client{"/usr/bin/ssh", {9, 2}};

Arguments arguments(const Tunnel& tunnel) {
  return autossh_arguments("/usr/bin/autossh", k_client, tunnel, "/run/h/ctl", "/run/h/log");
}

AutosshLine line(const std::string& text) { return read_autossh_line("2026/11/22 22:40:01 autossh[1234]: " + text); }

}  // namespace

BOOST_AUTO_TEST_SUITE(the_other_engine)

BOOST_AUTO_TEST_CASE(autossh_gets_our_ssh_settings_and_the_forwards) {
  auto spec = spec_to("gate@bastion:2200", {"2222", "/run/far.sock:localhost:80"});
  spec.identity = "/home/ada/.ssh/id";
  spec.ssh_options = {{"Compression", "yes"}};
  const Arguments wanted{"/usr/bin/autossh", "-M", "0", "-N", "-S", "/run/h/ctl", "-E", "/run/h/log", "-o",
                         "ControlMaster=auto", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o",
                         "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3", "-o", "ConnectTimeout=10", "-o",
                         "PermitLocalCommand=no", "-o", "ControlPersist=no", "-o", "LogLevel=INFO", "-o",
                         "StrictHostKeyChecking=yes", "-o", "VerifyHostKeyDNS=no", "-o",
                         "NoHostAuthenticationForLocalhost=no", "-o", "Tunnel=no", "-o", "RemoteCommand=none", "-o",
                         "ForkAfterAuthentication=no", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i",
                         "/home/ada/.ssh/id", "-o", "Compression=yes", "-o", "PreferredAuthentications=publickey", "-R",
                         "127.0.0.1:2222:localhost:22", "-R", "/run/far.sock:localhost:80", "-p", "2200",
                         // autossh keeps the first of them for itself
                         "--", "--", "gate@bastion"};
  BOOST_TEST(arguments(Tunnel::make(spec).value()) == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(user_variables_do_not_reach_autossh) {
  const auto environment = autossh_environment({{"PATH", "/bin"}}, k_client, "/run/h/autossh.log");
  const os::Environment wanted{{"PATH", "/bin"},
                               {"AUTOSSH_GATETIME", "0"},
                               {"AUTOSSH_LOGFILE", "/run/h/autossh.log"},
                               {"AUTOSSH_LOGLEVEL", "7"},
                               {"AUTOSSH_PATH", "/usr/bin/ssh"}};
  BOOST_TEST((environment == wanted));
  test::RecordedHost host;
  for (const char* name : {"AUTOSSH_PORT", "AUTOSSH_POLL", "AUTOSSH_MAXSTART"}) host.environment[name] = "7";
  for (const auto& [name, value] : job_environment(host, host.me)) BOOST_TEST(!name.starts_with("AUTOSSH_"));
}

BOOST_AUTO_TEST_CASE(the_autossh_log_gives_pid_and_delay) {
  const auto started = line("ssh child pid is 4711");
  BOOST_TEST((started.kind == Kind::ssh_started));
  BOOST_TEST(started.pid == 4711);
  for (const char* end : {"ssh exited with error status 255; restarting ssh", "ssh exited on signal 9, restarting ssh",
                          "ssh exited with status 0; autossh exiting"})
    BOOST_TEST_CONTEXT(end) BOOST_TEST((line(end).kind == Kind::ssh_ended));
  BOOST_TEST((line("ssh exited with error status 255; restarting ssh").exit_code == 255));
  BOOST_TEST((line("ssh exited on signal 9, restarting ssh").exit_code == 128 + 9));
  BOOST_TEST((line("ssh exited with status 0; autossh exiting").exit_code == 0));
  for (const char* odd : {"ssh exited on signal 4711", "ssh exited", "ssh exited with status x"})
    BOOST_TEST_CONTEXT(odd) BOOST_TEST(!line(odd).exit_code.has_value());
  const auto sleeping = line("sleeping for grace time 18 secs");
  BOOST_TEST((sleeping.kind == Kind::sleeping));
  BOOST_TEST(sleeping.wait.count() == 18);
  for (const char* detail : {"check on child 7", "set alarm for 600 secs", "child of 7 execing /usr/bin/ssh",
                             "checking for grace period, tries = 6"})
    BOOST_TEST_CONTEXT(detail) BOOST_TEST((line(detail).kind == Kind::detail));
  BOOST_TEST((line("port set to 0, monitoring disabled").kind == Kind::other));
  BOOST_TEST(line("starting ssh (count 2)").text == "starting ssh (count 2)");
}

BOOST_AUTO_TEST_CASE(other_lines_are_ignored) {
  for (const char* odd : {"", "[", "]: ", "]: [", "ssh child pid is ", "ssh child pid is -1", "ssh child pid is 1",
                          "ssh child pid is 99999999999", "sleeping for grace time x"})
    BOOST_TEST_CONTEXT(odd) BOOST_TEST((read_autossh_line(odd).kind == Kind::other));
}

BOOST_AUTO_TEST_CASE(the_error_names_the_install_command_of_this_host) {
  test::RecordedHost host;
  const auto hint = [&] { return find_autossh(host).error().hint; };
  host.put_program("dnf");
  BOOST_TEST(hint() == "sudo dnf install autossh");
  host.put_program("apt-get");
  BOOST_TEST(hint() == "sudo apt-get install autossh");
  host.me.uid = 0;
  BOOST_TEST(hint() == "apt-get install autossh");
}

BOOST_AUTO_TEST_CASE(a_program_without_the_autossh_version_is_refused) {
  test::RecordedHost host;
  host.put_program("autossh");
  host.answer("/usr/bin/autossh -V", "autossh 1.4g\n");
  BOOST_TEST(find_autossh(host).value() == "/usr/bin/autossh");
  host.answer("/usr/bin/autossh -V", "hello\n");
  BOOST_TEST(find_autossh(host).error().line().find("it is not autossh") != std::string::npos);
  host.answer("/usr/bin/autossh -V", "", 126);
  BOOST_TEST(find_autossh(host).has_error());
}

BOOST_AUTO_TEST_CASE(a_socket_path_that_ssh_would_expand_is_refused) {
  BOOST_TEST(check_for_autossh(tunnel_to("lab", {"2222", "/run/a-b_c.sock:localhost:80"})).has_value());
  for (const char* odd : {"/run/%h.sock:localhost:80", "/run/${HOME}:localhost:80", "/run/a b:localhost:80"})
    BOOST_TEST_CONTEXT(odd) BOOST_TEST(check_for_autossh(tunnel_to("lab", {odd})).has_error());
}

BOOST_AUTO_TEST_CASE(autossh_refuses_a_tunnel_of_any_host) {
  auto spec = spec_to("lab");
  spec.host = "any";
  BOOST_TEST(check_for_autossh(Tunnel::make(spec).value()).has_error());
}

BOOST_AUTO_TEST_CASE(forwards_added_by_the_configuration_are_found) {
  BOOST_TEST(added_forwards("host lab\nclearallforwardings no\nforwardagent no\ngatewayports no\n").empty());
  const auto found = added_forwards("user ada\nlocalforward 8080 [localhost]:80\ndynamicforward 1080\n");
  BOOST_TEST(found == (Arguments{"localforward 8080 [localhost]:80", "dynamicforward 1080"}),
             boost::test_tools::per_element());
  const auto asked = show_configuration(k_client, tunnel_to("lab"), {});
  BOOST_TEST(asked.argv.at(1) == "-G");
  BOOST_TEST((std::ranges::find(asked.argv, "-R") == asked.argv.end()));
  BOOST_TEST(asked.argv.back() == "lab");
}

BOOST_AUTO_TEST_SUITE_END()
