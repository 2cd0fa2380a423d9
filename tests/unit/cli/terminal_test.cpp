// Texts on a terminal (errors, times, colours, survival), environment files, scopes, and the command for a laptop.
#include "cli/output/terminal.hpp"
#include "cli/scope.hpp"
#include "cli/variables.hpp"
#include "tunnels/client_command.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/survival_text.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <ctime>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;

namespace {

Tunnel tunnel_of(const std::string& bastion, const std::vector<std::string>& ports) {
  std::vector<Forward> forwards;
  for (const auto& port : ports) forwards.push_back(Forward::parse(port).value());
  return Tunnel::make({TunnelName::parse("lab").value(), Destination::parse(bastion).value(), forwards}).value();
}

/// With the route `hops`, or the bastion as it is written.
std::string client_command(const std::string& bastion, const std::vector<std::string>& ports,
                           const std::vector<std::string>& hops = {}) {
  const auto tunnel = tunnel_of(bastion, ports);
  auto route = tunnels::unresolved_route(tunnel, {});
  if (!hops.empty()) route.hops.clear();
  for (const auto& hop : hops) route.hops.push_back(Destination::parse(hop).value());
  return tunnels::client_command(tunnel, route, "ann");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(terminal)

BOOST_AUTO_TEST_CASE(survival_text_names_each_event_once) {
  const Survival yes{Survival::Kind::yes, {}};
  const Survival soon{Survival::Kind::within, std::chrono::seconds(60)};
  const Survival at_login{Survival::Kind::at_login, {}};
  BOOST_TEST(tunnels::survival_text({yes, yes, yes}) == "survives a crash, a logout and a reboot");
  BOOST_TEST(tunnels::survival_text({{}, {}, {}}) == "does not survive a crash, a logout or a reboot");
  BOOST_TEST(tunnels::survival_text({{}, yes, {}}) == "does not survive a crash or a reboot, survives a logout");
  BOOST_TEST(tunnels::survival_text({soon, yes, at_login}) ==
             "returns within 60 s after a crash, survives a logout, returns at the next login after a reboot");
}

BOOST_AUTO_TEST_CASE(no_shell_evaluates_an_environment_file) {
  const auto values = parse_environment_file(
                          "# other programs read this file too\n\nHOLDFAST_BASTION=gate@bastion # ours\n"
                          "export HOLDFAST_IDENTITY = '~/.ssh/a b'\nOTHER=\"$(touch /tmp/x) `id`\"\nEMPTY=\n",
                          ".env")
                          .value();
  BOOST_TEST(values.at("HOLDFAST_BASTION") == "gate@bastion");
  BOOST_TEST(values.at("HOLDFAST_IDENTITY") == "~/.ssh/a b");
  BOOST_TEST(values.at("OTHER") == "$(touch /tmp/x) `id`");
  BOOST_TEST(values.at("EMPTY").empty());
}

BOOST_AUTO_TEST_CASE(an_environment_file_error_names_file_and_line) {
  for (const auto& [text, line] : std::vector<std::pair<std::string, std::string>>{
           {"A=1\nnonsense\n", "reading .env line 2: it is not KEY=VALUE"},
           {"1A=1\n", "reading .env line 1: the text before = is not the name of a variable"},
           {"A='1\n", "reading .env line 1: the quotes around the value are not closed, or something follows them"},
           {"A=\x01\n", "reading .env line 1: the value has a control character"}}) {
    const auto values = parse_environment_file(text, ".env");
    BOOST_REQUIRE(!values);
    BOOST_TEST(values.error().line() == line);
    BOOST_TEST(static_cast<int>(values.error().status) == 2);
  }
}

BOOST_AUTO_TEST_CASE(the_env_file_and_new_names_take_precedence) {
  RecordedHost host;
  host.environment["HOLDFAST_BASTION"] = "from-environment";
  host.environment["SCITEX_TUNNEL_BASTION_SERVER"] = "old";
  BOOST_TEST(Variables(host, {}).first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"}).value() ==
             "from-environment");
  BOOST_TEST(Variables(host, {{"HOLDFAST_BASTION", "from-file"}}).get("HOLDFAST_BASTION").value() == "from-file");
  host.environment["HOLDFAST_BASTION"] = "";
  BOOST_TEST(Variables(host, {}).first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"}).value() == "old");
  host.environment["SCITEX_SSH_SECRET_KEY_PATH"] = "/key";
  BOOST_TEST(Variables(host, {}).first_of({"HOLDFAST_IDENTITY", "SCITEX_TUNNEL_SECRET_KEY_PATH"}).value() == "/key");
  BOOST_TEST(!Variables(host, {}).get("HOLDFAST_IDENTITY"));
}

BOOST_AUTO_TEST_CASE(client_command_is_one_ssh_command) {
  BOOST_TEST(client_command("gate@bastion", {"2222"}) == "ssh -J gate@bastion -p 2222 ann@127.0.0.1");
  BOOST_TEST(client_command("gate@bastion:2200", {"0.0.0.0:2222"}) == "ssh -J gate@bastion:2200 -p 2222 ann@127.0.0.1");
  BOOST_TEST(client_command("alias", {"10.0.0.1:2222"}, {"ann@front:2200", "gate@bastion"}) ==
             "ssh -J ann@front:2200,gate@bastion -p 2222 ann@10.0.0.1");
  // Another machine may not have this user.
  BOOST_TEST(client_command("alias", {"2222:nas:22"}, {"gate@bastion"}) ==
             "ssh -J gate@bastion -p 2222 USER@127.0.0.1");
}

BOOST_AUTO_TEST_CASE(an_unresolved_route_has_the_user_of_the_tunnel) {
  const os::User ann{1000, 1000, "ann", "/home/ann"};
  const auto hops = tunnels::unresolved_route(tunnel_of("bastion:2200", {"2222"}), ann).hops;
  BOOST_REQUIRE(hops.size() == 1);
  BOOST_TEST(hops.front().text() == "ann@bastion:2200");
  BOOST_TEST(tunnels::unresolved_route(tunnel_of("gate@bastion", {"2222"}), ann).hops.front().text() == "gate@bastion");
}

BOOST_AUTO_TEST_CASE(a_target_other_than_sshd_is_reached_through_a_local_port) {
  BOOST_TEST(client_command("gate@bastion:2200", {"8080:localhost:80"}) ==
             "ssh -N -L 8080:127.0.0.1:8080 -p 2200 gate@bastion");
  BOOST_TEST(client_command("gate@bastion", {"/run/lab.sock:localhost:80"}) ==
             "ssh -N -L 2280:/run/lab.sock gate@bastion");
  BOOST_TEST(client_command("alias", {"8080:localhost:80"}, {"ann@front", "gate@bastion:2200"}) ==
             "ssh -N -L 8080:127.0.0.1:8080 -J ann@front -p 2200 gate@bastion");
  // The first forward that leads to an ssh server is used.
  BOOST_TEST(client_command("gate@bastion", {"8080:localhost:80", "2222"}) ==
             "ssh -J gate@bastion -p 2222 ann@127.0.0.1");
}

BOOST_AUTO_TEST_CASE(an_error_is_one_printable_line_and_one_hint) {
  BOOST_TEST(error_text(Error{"reading", "a\nb", "it is \x1b[2J", "run \x07this"}) ==
             "holdfast: reading a\\nb: it is \\x1b[2J\n  hint: run \\x07this");
  BOOST_TEST(error_text(Error{"reading", "a", "it is not there"}) == "holdfast: reading a: it is not there");
}

BOOST_AUTO_TEST_CASE(a_terminal_wraps_errors_but_not_commands) {
  const Error error{"removing", "tunnel lab", "the bastion refuses this key", "run holdfast authorize lab --install"};
  BOOST_TEST(error_text(error, 40) ==
             "holdfast: removing tunnel lab: the\n"
             "          bastion refuses this key\n"
             "  hint: run\n"
             "        holdfast authorize lab --install");
}

BOOST_AUTO_TEST_CASE(a_terminal_shows_local_time) {
  ::setenv("TZ", "TEST-2", 1);  // two hours east of Greenwich: tzset(3)
  ::tzset();
  const auto time = from_rfc3339("2026-11-22T10:00:00Z").value();
  BOOST_TEST(time_text(time, {.width = 80}) == "2026-11-22 12:00:00 TEST");
  BOOST_TEST(time_text(time, {}) == "2026-11-22T10:00:00Z");
  BOOST_TEST(log_line_text("2026-11-22T10:00:00Z up: verified", {.width = 80}) ==
             "2026-11-22 12:00:00 TEST up: verified");
  BOOST_TEST(log_line_text("2026-11-22T10:00:00Z up: verified", {}) == "2026-11-22T10:00:00Z up: verified");
  for (const char* line : {"", "no time", "2026-11-22T10:00:00Z"}) BOOST_TEST(log_line_text(line, {}) == line);
  BOOST_TEST(log_line_text("no time", {.width = 80}) == "no time");
  ::unsetenv("TZ");
  ::tzset();
}

BOOST_AUTO_TEST_CASE(text_is_coloured_only_when_colour_is_on) {
  BOOST_TEST(paint(Style::green, "up", false) == "up");
  BOOST_TEST(paint(Style::plain, "up", true) == "up");
  BOOST_TEST(paint(Style::green, "up", true) == "\x1b[32mup\x1b[0m");
}

BOOST_AUTO_TEST_CASE(root_uses_the_system_scope_by_default) {
  const std::vector<Option> options{{"user", "", ""}, {"system", "", ""}};
  const auto given = [&](std::vector<std::string> words) { return parse_arguments(words, options).value(); };
  RecordedHost host;
  BOOST_TEST((choose_scope(given({}), host).value() == Scope::user));
  BOOST_TEST((choose_scope(given({"--system"}), host).value() == Scope::system));
  BOOST_TEST(tunnels::scope_words(Scope::system, host) == " --system");
  host.me.uid = 0;
  BOOST_TEST((choose_scope(given({}), host).value() == Scope::system));
  BOOST_TEST((choose_scope(given({"--user"}), host).value() == Scope::user));
  BOOST_TEST(tunnels::scope_words(Scope::system, host).empty());
  BOOST_TEST(static_cast<int>(choose_scope(given({"--user", "--system"}), host).error().status) == 2);
}

BOOST_AUTO_TEST_CASE(only_root_changes_system_tunnels) {
  RecordedHost host;
  const auto paths = store::paths(Scope::system, host).value();
  const auto lock = tunnels::NameLock::take(TunnelName::parse("lab").value(), paths, host);
  BOOST_REQUIRE(!lock);
  BOOST_TEST(lock.error().line() == "changing a tunnel of the system scope: only root can");
}

BOOST_AUTO_TEST_SUITE_END()
