// Legacy tunnels in units, crontabs and start-up files, and how their lines become comments.
#include "tunnels/import/legacy_entry.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

const std::string k_command = "autossh -M 0 -f -N -R 2222:localhost:22 gate@bastion";
const TunnelName k_name = TunnelName::parse("2222").value();

// As scitex-tunnel writes it.
const std::string k_unit =
    "[Unit]\nDescription=AutoSSH tunnel\nAfter=network.target\n\n[Service]\nUser=ann\n"
    "Environment=\"AUTOSSH_GATETIME=0\"\n"
    "ExecStart=/usr/bin/autossh -M 0 -N -o \"PubkeyAuthentication=yes\" -o \"PasswordAuthentication=no\" \\\n"
    "  -i /home/ann/.ssh/id_rsa -R 2222:localhost:22 gate@bastion\n"
    "Restart=always\nRestartSec=3\n\n[Install]\nWantedBy=multi-user.target\n";

LegacyEntry unit(const std::string& text) {
  return read_unit("autossh-tunnel-2222.service", "/etc/systemd/system/autossh-tunnel-2222.service", text, "");
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  return text.replace(text.find(what), what.size(), with);
}

std::optional<std::string> without_source(const std::string& text, const LegacyEntry& source, const TunnelName& name) {
  return with_lines(text, source, name, LineState::active, LineState::replaced);
}

std::optional<std::string> with_source(const std::string& text, const LegacyEntry& source, const TunnelName& name) {
  return with_lines(text, source, name, LineState::replaced, LineState::active);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(legacy_entry)

BOOST_AUTO_TEST_CASE(reads_a_unit_of_scitex_tunnel) {
  const auto source = unit(k_unit);
  BOOST_REQUIRE(source.command);
  BOOST_TEST(source.command->bastion.text() == "gate@bastion");
  BOOST_TEST(source.command->identity.value() == "/home/ann/.ssh/id_rsa");
  BOOST_TEST(source.user.value() == "ann");
}

BOOST_AUTO_TEST_CASE(refuses_a_unit_with_other_settings) {
  for (const auto& [text, named] : std::vector<std::pair<std::string, std::string>>{
           {replaced(k_unit, "User=ann", "ExecStartPre=/bin/sh -c id"), "ExecStartPre="},
           {replaced(k_unit, "User=ann", "EnvironmentFile=/etc/default/x"), "EnvironmentFile="},
           {replaced(k_unit, "User=ann", "Environment=SSH_AUTH_SOCK=/x"), "SSH_AUTH_SOCK"},
           {replaced(k_unit, "User=ann", "ExecStart=/bin/true"), "there is more than one"},
           {replaced(k_unit, "gate@bastion", "gate@$HOST"), "$HOST"},
           {"[Unit]\nExecStart=" + k_command + "\n", "no ExecStart="}}) {
    const auto source = unit(text);
    BOOST_REQUIRE(!source.command);
    BOOST_TEST(source.command.error().line().find(named) != std::string::npos, source.command.error().line());
  }
}

BOOST_AUTO_TEST_CASE(finds_only_autossh_lines_in_a_crontab) {
  const std::string text = "MAILTO=ann\nAUTOSSH_GATETIME=0\n# autossh is here\n@reboot  " + k_command +
                           " >/dev/null 2>&1\n*/5 * * * * pgrep -f x || " + k_command + "\n0 3 * * * backup\n" +
                           "@reboot autossh -R 2222:localhost:22 a%b\n";
  const auto sources = read_crontab_lines(text, "/home/ann");
  BOOST_REQUIRE(sources.size() == 3U);
  BOOST_TEST(sources[0].first_line == 3U);
  BOOST_TEST(!!sources[0].command);
  BOOST_TEST(!!sources[1].command);
  BOOST_TEST(!sources[2].command);
  const auto after = without_source(text, sources[1], k_name).value();
  BOOST_TEST(after == replaced(text, "*/5", "# holdfast has it (tunnel 2222): */5"));
  BOOST_TEST(!without_source("another\n", sources[1], k_name));
  BOOST_TEST(with_source(after, sources[1], k_name).value() == text);
  BOOST_TEST(with_source(after + "later\n", sources[1], k_name).value() == text + "later\n");
  // Lines before it may have changed.
  BOOST_TEST(without_source("new\n" + text, sources[1], k_name).value() == "new\n" + after);
}

BOOST_AUTO_TEST_CASE(an_interrupted_import_is_found_and_a_finished_one_is_not) {
  const std::string line = "*/5 * * * * " + k_command + "\n";
  const std::string text = "# holdfast has it (tunnel 2222): " + line +
                           "# holdfast replaces it (tunnel 2222): " + line +
                           "# holdfast replaces it (tunnel a/b): " + line;
  const auto sources = read_crontab_lines(text, "/home/ann");
  BOOST_REQUIRE(sources.size() == 1U);
  BOOST_TEST(sources[0].interrupted.value().text() == "2222");
  BOOST_TEST(sources[0].text == line);
  BOOST_TEST(sources[0].first_line == 1U);
  BOOST_TEST(!!sources[0].command);
  const auto back = with_lines(text, sources[0], k_name, LineState::replacing, LineState::active).value();
  BOOST_TEST(back == replaced(text, "# holdfast replaces it (tunnel 2222): ", ""));
  BOOST_TEST(
      with_lines(back, read_crontab_lines(back, "")[0], k_name, LineState::active, LineState::replacing).value() ==
      text);
  BOOST_TEST(with_lines(text, sources[0], k_name, LineState::replacing, LineState::replaced).value() ==
             replaced(text, "replaces it", "has it"));
  BOOST_TEST(!read_crontab_lines(back, "")[0].interrupted);
}

BOOST_AUTO_TEST_CASE(reads_the_user_of_a_system_crontab_line) {
  const std::string text = "SHELL=/bin/sh\nPATH=/usr/bin:/opt/autossh/bin\n@reboot ann " + k_command +
                           " -i ~/.ssh/id\n*/5 *\t* * *  bob  " + k_command + "\n@reboot " + k_command +
                           "\n@reboot ann\n@reboot ann sudo -u bob " + k_command + "\n";
  const auto home_of = [](const std::string& user) -> Result<std::string> {
    if (user != "ann") return Error{"finding", "user " + user, "there is none"};
    return "/home/ann";
  };
  const auto sources = read_system_crontab_lines("/etc/cron.d/tunnels", text, home_of);
  BOOST_REQUIRE(sources.size() == 4U);
  BOOST_TEST(sources[0].where == "/etc/cron.d/tunnels");
  BOOST_TEST(sources[0].user.value() == "ann");
  BOOST_REQUIRE(sources[0].command);
  BOOST_TEST(sources[0].command->identity.value() == "/home/ann/.ssh/id");
  BOOST_REQUIRE(!sources[1].command);
  BOOST_TEST(sources[1].command.error().line().find("bob") != std::string::npos);
  BOOST_TEST(!sources[2].command);  // without a user field, "autossh" would be the user
  BOOST_TEST(!sources[3].command);  // another program starts autossh
  const auto after = without_source(text, sources[0], k_name).value();
  BOOST_TEST(after == replaced(text, "@reboot ann autossh", "# holdfast has it (tunnel 2222): @reboot ann autossh"));
  BOOST_TEST(with_source(after, sources[0], k_name).value() == text);
}

BOOST_AUTO_TEST_CASE(a_startup_file_stays_valid_shell) {
  const std::string guard = "if ! pgrep -f \"autossh.*2222\" > /dev/null; then\n    " + k_command + "\nfi\n";
  const std::string text =
      "alias ll='ls -l'\n" + guard + "if [ -n \"$PS1\" ]; then\n  " + k_command + " \\\n   &\nfi\n";
  const auto sources = read_shell_lines("/home/ann/.bashrc", text, "/home/ann");
  BOOST_REQUIRE(sources.size() == 2U);
  BOOST_TEST(sources[0].text == guard);
  BOOST_TEST(!!sources[0].command);
  BOOST_TEST(!!sources[1].command);
  BOOST_TEST(sources[1].first_line == 5U);
  const auto first = without_source(text, sources[0], k_name).value();
  BOOST_TEST(first.find(": # holdfast has it (tunnel 2222): if ! pgrep") != std::string::npos);
  BOOST_TEST(first.find("\n# holdfast has it (tunnel 2222): fi\n") != std::string::npos);
  BOOST_TEST(with_source(first, sources[0], k_name).value() == text);
  // The `if` around it needs a command.
  const auto both = without_source(first, sources[1], k_name).value();
  BOOST_TEST(both.ends_with("then\n: # holdfast has it (tunnel 2222):   " + k_command +
                            " \\\n# holdfast has it (tunnel 2222):    &\nfi\n"));
}

BOOST_AUTO_TEST_CASE(refuses_lines_in_loops_and_functions) {
  const auto sources = read_shell_lines(
      "/f", "tunnel() { " + k_command + "; }\nalias t='" + k_command + "'\necho autossh\n", "/home/ann");
  BOOST_TEST(sources.size() == 3U);
  for (const auto& source : sources) BOOST_TEST(!source.command);
}

BOOST_AUTO_TEST_SUITE_END()
