// Reads autossh commands as people write them, without running anything.
#include "tunnels/import/autossh_command.hpp"

#include <boost/test/unit_test.hpp>

using namespace holdfast;
using namespace holdfast::tunnels;

namespace {

Result<AutosshCommand> command_of(const std::string& line) {
  auto tokens = shell_tokens(line, "/home/ann");
  if (!tokens) return std::move(tokens).error();
  auto start = read_start_line(*tokens);
  if (!start) return std::move(start).error();
  return read_autossh(start->argv);
}

std::string refusal(const std::string& line) {
  const auto command = command_of(line);
  return command ? "accepted" : command.error().line();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(autossh_command)

BOOST_AUTO_TEST_CASE(common_spellings_give_the_same_tunnel) {
  const auto plain = command_of("autossh -M 0 -N -R 2222:localhost:22 gate@bastion").value();
  BOOST_TEST(plain.bastion.text() == "gate@bastion");
  BOOST_TEST(plain.forwards.at(0).text() == "127.0.0.1:2222:localhost:22");
  for (const std::string line :
       {"/usr/bin/autossh -M 20000:20001 -fNT -R2222:localhost:22 gate@bastion",
        "AUTOSSH_GATETIME=0 AUTOSSH_PORT=0 nohup autossh -fNR 2222:localhost:22 -l gate bastion > /dev/null 2>&1 &",
        "pgrep -f \"autossh.*2222\" >/dev/null || autossh -f -N -R 2222:localhost:22 gate@bastion",
        "sleep 30 && autossh -q -R \"2222:localhost:22\" -o User=gate -N bastion &>> /tmp/log",
        "if ! pgrep -f 'autossh.*2222' > /dev/null; then autossh -f -N -R 2222:localhost:22 gate@bastion; fi",
        "autossh gate@bastion -N -R 2222:localhost:22 -- # my tunnel"}) {
    const auto command = command_of(line);
    BOOST_REQUIRE_MESSAGE(command, line << ": " << refusal(line));
    BOOST_TEST(command->is_same_tunnel(plain), line);
  }
}

BOOST_AUTO_TEST_CASE(keeps_ports_keys_and_options) {
  const auto command =
      command_of(
          "autossh -M 0 -N -4C -p 2200 -i ~/.ssh/'a b' -o \"ProxyJump=front\" -o 'ServerAliveInterval 30' "
          "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PasswordAuthentication=no "
          "-R 2222:localhost:22 -R 0.0.0.0:8080:web:80 gate@::1")
          .value();
  BOOST_TEST(command.bastion.text() == "gate@[::1]:2200");
  BOOST_TEST(command.identity.value() == "/home/ann/.ssh/a b");
  BOOST_TEST(command.forwards.size() == 2U);
  const std::vector<SshOption> options{
      {"AddressFamily", "inet"}, {"Compression", "yes"}, {"ProxyJump", "front"}, {"PasswordAuthentication", "no"}};
  BOOST_TEST((command.ssh_options == options));
  BOOST_TEST(command.notes.size() == 2U);  // StrictHostKeyChecking=no is dropped
}

BOOST_AUTO_TEST_CASE(names_the_unsupported_argument) {
  const std::string good = "autossh -M 0 -R 2222:localhost:22 gate@bastion ";
  for (const auto& [line, named] : std::vector<std::pair<std::string, std::string>>{
           {good + "-L 80:localhost:80", "-L 80:localhost:80"},
           {good + "-D 1080", "-D 1080"},
           {good + "-R 1080", "SOCKS"},
           {good + "-A", "the argument -A"},
           {good + "-F other", "-F other"},
           {good + "-i one -i two", "two keys"},
           {good + "uptime", "\"uptime\""},
           {good + "-o RemoteForward=1:a:2", "RemoteForward"},
           {good + "$(id)", "$(id)"},
           {good + "`id`", "unquoted"},
           {good + "\"$PORT\"", "$PORT"},
           {good + "| tee log", "|"},
           {good + "&& echo up", "&&"},
           {good + "'open", "quote"},
           {"cd /tmp; " + good, ";"},
           {"FOO=1 " + good, "\"FOO=1\""},
           {"ssh-agent " + good, "\"ssh-agent\""},
           {"while true; do " + good + "; done", ";"},
           {"autossh -M 0 -N gate@bastion", "no reverse forward"},
           {"autossh -M 0 -R 2222:localhost:22", "no bastion"},
           {"autossh -M 0 -R 2222:localhost:22 -- -oProxyCommand=x", "-oProxyCommand=x"},
           {"autossh -R 2222:localhost:22 gate@bastion -p", "-p"},
           {"ssh -R 2222:localhost:22 gate@bastion", "\"ssh\""},
           {std::string("autossh -R 2222:localhost:22 a\x1b"), "control character"}})
    BOOST_TEST(refusal(line).find(named) != std::string::npos, line << " gave: " << refusal(line));
}

BOOST_AUTO_TEST_CASE(splits_words_as_systemd_does) {
  const auto words = systemd_words("/usr/bin/autossh -o \"A B\" -i %h/.ssh/k 'c d' 100%% > x", "/home/ann").value();
  BOOST_TEST((words == std::vector<std::string>{"/usr/bin/autossh", "-o", "A B", "-i", "/home/ann/.ssh/k", "c d",
                                                "100%", ">", "x"}));
  for (const auto* line :
       {"autossh $OPTS", "autossh ${X}", "autossh %i", "autossh \"open", "autossh \\x41", "autossh %"})
    BOOST_TEST(!systemd_words(line, ""), line);
}

BOOST_AUTO_TEST_SUITE_END()
