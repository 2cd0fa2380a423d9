// Suggestions, variables, the way in, and what errors look like.
#include "cli/output/terminal.hpp"
#include "cli/scope.hpp"
#include "cli/suggestion.hpp"
#include "cli/variables.hpp"
#include "tunnels/client_command.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/survival_text.hpp"

#include "backends/recorded_host.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;

namespace {

Tunnel tunnel_of(const std::string& bastion, const std::vector<std::string>& ports) {
  std::vector<Forward> forwards;
  for (const auto& port : ports) forwards.push_back(Forward::parse(port).value());
  return Tunnel::make({TunnelName::parse("lab").value(), Destination::parse(bastion).value(), forwards}).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(words)

BOOST_AUTO_TEST_CASE(what_is_survived_is_said_once) {
  const Survival yes{Survival::Kind::yes, {}};
  const Survival soon{Survival::Kind::within, std::chrono::seconds(60)};
  const Survival at_login{Survival::Kind::at_login, {}};
  BOOST_TEST(tunnels::survival_text({yes, yes, yes}) == "survives a crash, a logout and a reboot");
  BOOST_TEST(tunnels::survival_text({{}, {}, {}}) == "does not survive a crash, a logout or a reboot");
  BOOST_TEST(tunnels::survival_text({{}, yes, {}}) == "does not survive a crash or a reboot, survives a logout");
  BOOST_TEST(tunnels::survival_text({soon, yes, at_login}) ==
             "is back after a crash within 1 min, survives a logout, is back after a reboot at the next login");
}

BOOST_AUTO_TEST_CASE(distances_count_swapped_neighbours_once) {
  BOOST_TEST(edit_distance("status", "status") == 0U);
  BOOST_TEST(edit_distance("statsu", "status") == 1U);
  BOOST_TEST(edit_distance("", "abc") == 3U);
  BOOST_TEST(edit_distance("kitten", "sitting") == 3U);
}

BOOST_AUTO_TEST_CASE(only_what_is_near_is_suggested) {
  const std::vector<std::string> known{"setup", "status", "stop", "start"};
  BOOST_TEST(nearest("statsu", known).value() == "status");
  BOOST_TEST(nearest("stpo", known).value() == "stop");
  BOOST_TEST(!nearest("install", known));
  BOOST_TEST(!nearest("", known));
  BOOST_TEST(!nearest(std::string(100000, 'a'), known));
}

BOOST_AUTO_TEST_CASE(an_environment_file_is_read_and_never_run) {
  const auto values = parse_environment_file(
                          "# of another program too\n\nHOLDFAST_BASTION=gate@bastion # ours\n"
                          "export HOLDFAST_IDENTITY = '~/.ssh/a b'\nOTHER=\"$(touch /tmp/x) `id`\"\nEMPTY=\n",
                          ".env")
                          .value();
  BOOST_TEST(values.at("HOLDFAST_BASTION") == "gate@bastion");
  BOOST_TEST(values.at("HOLDFAST_IDENTITY") == "~/.ssh/a b");
  BOOST_TEST(values.at("OTHER") == "$(touch /tmp/x) `id`");
  BOOST_TEST(values.at("EMPTY").empty());
}

BOOST_AUTO_TEST_CASE(an_environment_files_error_names_file_and_line) {
  for (const auto& [text, line] : std::vector<std::pair<std::string, std::string>>{
           {"A=1\nnonsense\n", "reading .env line 2: it is not KEY=VALUE"},
           {"1A=1\n", "reading .env line 1: what stands before = is no name of a variable"},
           {"A='1\n", "reading .env line 1: the quotes around the value are not closed, or something follows them"},
           {"A=\x01\n", "reading .env line 1: the value holds a control character"}}) {
    const auto values = parse_environment_file(text, ".env");
    BOOST_REQUIRE(!values);
    BOOST_TEST(values.error().line() == line);
    BOOST_TEST(static_cast<int>(values.error().status) == 2);
  }
}

BOOST_AUTO_TEST_CASE(the_named_file_speaks_before_the_environment_and_the_new_name_before_the_old) {
  RecordedHost host;
  host.environment["HOLDFAST_BASTION"] = "from-environment";
  host.environment["SCITEX_TUNNEL_BASTION_SERVER"] = "old";
  BOOST_TEST(Variables(host, {}).first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"}).value() ==
             "from-environment");
  BOOST_TEST(Variables(host, {{"HOLDFAST_BASTION", "from-file"}}).get("HOLDFAST_BASTION").value() == "from-file");
  host.environment["HOLDFAST_BASTION"] = "";
  BOOST_TEST(Variables(host, {}).first_of({"HOLDFAST_BASTION", "SCITEX_TUNNEL_BASTION_SERVER"}).value() == "old");
  BOOST_TEST(!Variables(host, {}).get("HOLDFAST_IDENTITY"));
}

BOOST_AUTO_TEST_CASE(a_laptop_comes_in_by_one_line) {
  BOOST_TEST(tunnels::client_command(tunnel_of("gate@bastion", {"2222"}), "ann") ==
             "ssh -J gate@bastion -p 2222 ann@127.0.0.1");
  BOOST_TEST(tunnels::client_command(tunnel_of("gate@bastion:2200", {"0.0.0.0:2222"}), "ann") ==
             "ssh -J gate@bastion:2200 -p 2222 ann@127.0.0.1");
  BOOST_TEST(tunnels::client_command(tunnel_of("alias", {"10.0.0.1:2222"}), "ann") ==
             "ssh -J alias -p 2222 ann@10.0.0.1");
  // On another machine the user of this one may be nobody.
  BOOST_TEST(tunnels::client_command(tunnel_of("alias", {"2222:nas:22"}), "ann") ==
             "ssh -J alias -p 2222 USER@127.0.0.1");
}

BOOST_AUTO_TEST_CASE(what_is_no_ssh_comes_in_by_a_local_port) {
  BOOST_TEST(tunnels::client_command(tunnel_of("gate@bastion:2200", {"8080:localhost:80"}), "ann") ==
             "ssh -N -L 8080:127.0.0.1:8080 -p 2200 gate@bastion");
  BOOST_TEST(tunnels::client_command(tunnel_of("gate@bastion", {"/run/lab.sock:localhost:80"}), "ann") ==
             "ssh -N -L 2280:/run/lab.sock gate@bastion");
  // The first forward that leads to ssh is the one a person logs in by.
  BOOST_TEST(tunnels::client_command(tunnel_of("gate@bastion", {"8080:localhost:80", "2222"}), "ann") ==
             "ssh -J gate@bastion -p 2222 ann@127.0.0.1");
}

BOOST_AUTO_TEST_CASE(errors_are_one_line_and_one_hint_whatever_they_hold) {
  BOOST_TEST(error_text(Error{"reading", "a\nb", "it is \x1b[2J", "run \x07this"}) ==
             "holdfast: reading a\\nb: it is \\x1b[2J\n  hint: run \\x07this");
  BOOST_TEST(error_text(Error{"reading", "a", "it is not there"}) == "holdfast: reading a: it is not there");
}

BOOST_AUTO_TEST_CASE(colour_is_only_where_it_is_wanted) {
  BOOST_TEST(paint(Style::green, "up", false) == "up");
  BOOST_TEST(paint(Style::plain, "up", true) == "up");
  BOOST_TEST(paint(Style::green, "up", true) == "\x1b[32mup\x1b[0m");
}

BOOST_AUTO_TEST_CASE(the_scope_is_the_machines_for_root_and_ones_own_otherwise) {
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

BOOST_AUTO_TEST_CASE(the_machines_tunnels_are_roots_to_change) {
  RecordedHost host;
  const auto paths = store::paths(Scope::system, host).value();
  const auto lock = tunnels::NameLock::take(TunnelName::parse("lab").value(), paths, host);
  BOOST_REQUIRE(!lock);
  BOOST_TEST(lock.error().line() == "changing a tunnel of the system scope: only root can");
}

BOOST_AUTO_TEST_SUITE_END()
