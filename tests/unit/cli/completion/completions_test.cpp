// Completions, which are the same for every shell.
#include "cli/completion/completions.hpp"

#include "backends/recorded_host.hpp"
#include "cli/commands.hpp"
#include "store/paths.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::cli;
using namespace holdfast::test;

namespace {

using Words = std::vector<std::string>;

struct CompletionFixture {
  RecordedHost host;

  CompletionFixture() {
    const auto paths = store::paths(Scope::user, host).value();
    for (const char* file : {"2222.conf", "80.conf", "lab.conf", "$(reboot).conf", "a b.conf", "lab.known_hosts"})
      host.put(paths.tunnels / file, "nonsense\n", 0600);
    host.put("/etc/holdfast/tunnels/office.conf", "", 0644, 0);
    host.put("/home/ann/.ssh/config", "Host bastion *.lab\n  HostName b\nHost gate\n");
  }

  Words words(const Words& line) {
    Words out;
    for (const auto& completion : completions(line, host).words) out.push_back(completion.word);
    return out;
  }
  bool offers(const Words& line, const std::string& word) {
    const auto all = words(line);
    return std::ranges::find(all, word) != all.end();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(completion, CompletionFixture)

BOOST_AUTO_TEST_CASE(offers_every_command_and_option) {
  for (const auto* command : all_commands()) {
    const std::string name(command->name);
    BOOST_TEST(offers({""}, name));
    for (const auto& option : all_options(*command))
      for (const auto& option_name : names_of(option))
        if (option_name.size() > 1) BOOST_TEST(offers({name, "--"}, "--" + option_name), name << " " << option_name);
  }
  BOOST_TEST(words({"mcp", ""}) == subcommand_names(mcp_command()));
  BOOST_TEST(!offers({"mcp", "--"}, "--json"));
  BOOST_TEST(words({"mcp", "start", ""}) == words({"mcp", "start", "--"}), "options alone");
  BOOST_TEST(offers({"--"}, "--env-file"));
  BOOST_TEST(offers({"setup-tunnel", "--"}, "--bastion"));
}

BOOST_AUTO_TEST_CASE(options_declare_the_kind_of_their_value) {
  for (const auto* command : all_commands_and_subcommands())
    for (const auto& option : all_options(*command)) {
      const auto name = names_of(option).front();
      const auto where = std::string(command->name) + " --" + name;
      if (option.argument == "FILE") BOOST_TEST((option.values == Values::file), where);
      if (name == "bastion") BOOST_TEST((option.values == Values::bastion), where);
      if (name == "backend") BOOST_TEST((option.values == Values::backend), where);
    }
}

BOOST_AUTO_TEST_CASE(offers_tunnels_but_no_hostile_file_names) {
  for (const char* command : {"status", "remove", "start", "stop", "restart", "move", "ensure", "logs", "run"})
    BOOST_TEST(words({command, ""}) == (Words{"80", "2222", "lab"}), command);
  BOOST_TEST(words({"stop", "lab", ""}) == (Words{"80", "2222"}));
  BOOST_TEST(!offers({"move", "lab", ""}, "2222"));  // move takes one tunnel
  BOOST_TEST(words({"stop", "--", ""}) == (Words{"80", "2222", "lab"}));
  BOOST_TEST(words({"status", "--system", ""}) == Words{"office"});
  BOOST_TEST(words({"-v", "status", ""}) == (Words{"80", "2222", "lab"}));
}

BOOST_AUTO_TEST_CASE(distinguishes_a_value_from_an_operand) {
  BOOST_TEST(words({"setup", "-b", ""}) == (Words{"bastion", "gate"}));
  BOOST_TEST(words({"setup", "--bastion=gate@"}) == (Words{"--bastion=gate@bastion", "--bastion=gate@gate"}));
  BOOST_TEST(words({"setup", "-b", "ann@b"}) == (Words{"ann@bastion", "ann@gate"}));
  BOOST_TEST(words({"setup", "-b", "$(id)@b"}).empty());
  BOOST_TEST(offers({"setup", "--backend", ""}, "nohup"));
  BOOST_TEST(!offers({"setup", "--backend", ""}, "systemd-system"));
  BOOST_TEST(words({"setup", "--system", "--backend="}) == (Words{"--backend=auto", "--backend=systemd-system"}));
  BOOST_TEST(words({"setup", "--engine", ""}) == (Words{"native", "autossh"}));
  BOOST_TEST(completions({"setup", "-s", ""}, host).files);
  BOOST_TEST(completions({"setup", "--identity=~/.s"}, host).files);
  BOOST_TEST(words({"logs", "-n", "5", ""}) == (Words{"80", "2222", "lab"}));
  BOOST_TEST(words({"logs", "-n5", ""}) == (Words{"80", "2222", "lab"}));
  BOOST_TEST(words({"logs", "-fn", ""}).empty());  // a number
  BOOST_TEST(words({"--env-file", "status", "hook", ""}) == (Words{"sh", "bash", "zsh", "fish"}));
}

BOOST_AUTO_TEST_CASE(offers_only_repeatable_options_again) {
  BOOST_TEST(!offers({"setup", "--backend", "nohup", "--"}, "--backend"));
  BOOST_TEST(!offers({"setup", "-s", "key", "--"}, "--secret-key"));
  BOOST_TEST(offers({"setup", "-p", "2222", "--"}, "--port"));
}

BOOST_AUTO_TEST_CASE(no_word_contains_shell_syntax) {
  host.put("/home/ann/.ssh/config", "Host $(touch${IFS}x) `id` a;b \"c d\" e|f ~root [a-c] {g,h} fine\n");
  BOOST_TEST(words({"setup", "-b", ""}) == Words{"fine"});
}

BOOST_AUTO_TEST_CASE(survives_random_lines) {
  for (const Words& line : {Words{}, Words{"nosuch", ""}, Words{"--nosuch=", "x", ""}, Words{"-", "-", "-"},
                            Words{"setup", "--="}, Words{"status", "\xff\x01", "\n"}, Words{"--", "--", ""}})
    BOOST_TEST(!completions(line, host).files);
}

BOOST_AUTO_TEST_SUITE_END()
