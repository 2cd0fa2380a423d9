// The table of commands and the help made from it.
#include "cli/commands.hpp"
#include "cli/help.hpp"

#include "core/text.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <set>

using namespace holdfast;
using namespace holdfast::cli;

BOOST_AUTO_TEST_SUITE(commands)

BOOST_AUTO_TEST_CASE(names_and_options_are_unique) {
  std::set<std::string> names;
  for (const auto* command : all_commands_and_subcommands()) {
    BOOST_TEST(names.insert(std::string(command->name)).second, command->name);
    for (const auto alias : command->aliases) BOOST_TEST(names.insert(std::string(alias)).second, alias);
    std::set<std::string> options;
    for (const auto& option : all_options(*command))
      for (const auto& name : names_of(option)) BOOST_TEST(options.insert(name).second, command->name << " " << name);
  }
}

BOOST_AUTO_TEST_CASE(a_command_with_subcommands_has_no_function) {
  for (const auto* command : all_commands()) {
    BOOST_TEST((command->run == nullptr) == !command->subcommands.empty(), command->name);
    for (const auto* subcommand : command->subcommands) {
      BOOST_TEST(subcommand->name.starts_with(std::string(command->name) + " "), subcommand->name);
      BOOST_TEST(subcommand->subcommands.empty(), subcommand->name);
    }
  }
  BOOST_TEST(find_subcommand(mcp_command(), "start") != nullptr);
  BOOST_TEST(find_subcommand(mcp_command(), "star") == nullptr);
  BOOST_TEST(find_subcommand(setup_command(), "start") == nullptr);
}

BOOST_AUTO_TEST_CASE(old_names_still_work) {
  BOOST_TEST(find_command("setup-tunnel") == &setup_command());
  BOOST_TEST(find_command("remove-tunnel") == &remove_command());
  BOOST_TEST(find_command("show-status") == &status_command());
  BOOST_TEST(find_command("set") == nullptr);
}

BOOST_AUTO_TEST_CASE(setup_has_the_promised_options) {
  std::set<std::string> has;
  for (const auto& option : all_options(setup_command()))
    for (const auto& name : names_of(option)) has.insert(name);
  for (const char* name : {"p",          "port",
                           "b",          "i",
                           "bastion",    "s",
                           "secret-key", "identity",
                           "n",          "name",
                           "backend",    "engine",
                           "system",     "user",
                           "run-as",     "accept-new-host-key",
                           "takeover",   "allow-target-down",
                           "ssh-option", "no-preflight",
                           "dry-run",    "json",
                           "q",          "v",
                           "env-file"})
    BOOST_TEST(has.contains(name), name);
}

BOOST_AUTO_TEST_CASE(help_fits_80_columns_and_lists_every_option) {
  const auto help = recursive_help();
  for (const auto& line : split(help, '\n')) {
    std::size_t columns = 0;
    for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    BOOST_TEST(columns <= 80U, line);
  }
  for (const auto* command : all_commands_and_subcommands()) {
    BOOST_TEST(help.find(fmt::format("\nholdfast {}: {}\n", command->name, command->summary)) != std::string::npos);
    for (const auto& option : all_options(*command))
      BOOST_TEST(help.find("\n  " + option_heading(option) + "\n") != std::string::npos, option_heading(option));
  }
}

BOOST_AUTO_TEST_CASE(an_option_heading_shows_letters_first) {
  BOOST_TEST(option_heading({"identity,secret-key,i,s", "FILE", ""}) == "-i, -s, --identity, --secret-key FILE");
  BOOST_TEST(option_heading({"json", "", ""}) == "--json");
}

BOOST_AUTO_TEST_CASE(summaries_have_no_full_stop) {
  for (const auto* command : all_commands_and_subcommands()) {
    BOOST_TEST(!command->summary.ends_with('.'), command->name);
    BOOST_TEST(command->summary.size() <= 66U, command->name);
    for (const auto& option : command->options) BOOST_TEST(!option.text.ends_with('.'), option.names);
  }
}

BOOST_AUTO_TEST_SUITE_END()
