// The table of commands, and the help that is made from it.
#include "cli/commands.hpp"
#include "cli/help.hpp"

#include "core/text.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <set>

using namespace holdfast;
using namespace holdfast::cli;

BOOST_AUTO_TEST_SUITE(commands)

BOOST_AUTO_TEST_CASE(no_name_or_option_is_there_twice) {
  std::set<std::string> names;
  for (const auto* command : all_commands_and_parts()) {
    BOOST_TEST(names.insert(std::string(command->name)).second, command->name);
    for (const auto alias : command->aliases) BOOST_TEST(names.insert(std::string(alias)).second, alias);
    std::set<std::string> options;
    for (const auto& option : all_options(*command))
      for (const auto& name : names_of(option)) BOOST_TEST(options.insert(name).second, command->name << " " << name);
  }
}

BOOST_AUTO_TEST_CASE(a_group_has_parts_and_does_nothing_itself) {
  for (const auto* command : all_commands()) {
    BOOST_TEST((command->run == nullptr) == !command->parts.empty(), command->name);
    for (const auto* part : command->parts) {
      BOOST_TEST(part->name.starts_with(std::string(command->name) + " "), part->name);
      BOOST_TEST(part->parts.empty(), part->name);
    }
  }
  BOOST_TEST(find_part(mcp_command(), "start") != nullptr);
  BOOST_TEST(find_part(mcp_command(), "star") == nullptr);
  BOOST_TEST(find_part(setup_command(), "start") == nullptr);
}

BOOST_AUTO_TEST_CASE(old_names_stay_good) {
  BOOST_TEST(find_command("setup-tunnel") == &setup_command());
  BOOST_TEST(find_command("remove-tunnel") == &remove_command());
  BOOST_TEST(find_command("show-status") == &status_command());
  BOOST_TEST(find_command("set") == nullptr);
}

BOOST_AUTO_TEST_CASE(every_option_that_is_promised_is_there) {
  std::set<std::string> has;
  for (const auto& option : all_options(setup_command()))
    for (const auto& name : names_of(option)) has.insert(name);
  for (const char* name : {"p",        "port",       "b",
                           "bastion",  "s",          "secret-key",
                           "identity", "n",          "name",
                           "backend",  "engine",     "system",
                           "user",     "run-as",     "accept-new-host-key",
                           "takeover", "ssh-option", "no-preflight",
                           "dry-run",  "json",       "q",
                           "v",        "env-file"})
    BOOST_TEST(has.contains(name), name);
}

BOOST_AUTO_TEST_CASE(all_help_fits_a_terminal_and_tells_every_option) {
  const auto help = recursive_help();
  for (const auto& line : split(help, '\n')) {
    std::size_t columns = 0;
    for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    BOOST_TEST(columns <= 80U, line);
  }
  for (const auto* command : all_commands_and_parts()) {
    BOOST_TEST(help.find(fmt::format("\nholdfast {}: {}\n", command->name, command->summary)) != std::string::npos);
    for (const auto& option : all_options(*command))
      BOOST_TEST(help.find("\n  " + option_words(option) + "\n") != std::string::npos, option_words(option));
  }
}

BOOST_AUTO_TEST_CASE(an_option_is_shown_as_it_is_typed) {
  BOOST_TEST(option_words({"identity,secret-key,s", "FILE", ""}) == "-s, --identity, --secret-key FILE");
  BOOST_TEST(option_words({"json", "", ""}) == "--json");
}

BOOST_AUTO_TEST_CASE(texts_are_plain) {
  for (const auto* command : all_commands_and_parts()) {
    BOOST_TEST(!command->summary.ends_with('.'), command->name);
    BOOST_TEST(command->summary.size() <= 66U, command->name);
    for (const auto& option : command->options) BOOST_TEST(!option.text.ends_with('.'), option.names);
  }
}

BOOST_AUTO_TEST_SUITE_END()
