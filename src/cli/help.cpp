#include "cli/help.hpp"

#include "cli/commands.hpp"
#include "cli/output/table.hpp"
#include "core/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

constexpr std::size_t k_width = k_line_width;

/// `text` in lines that fit, each after `indent`.
std::string indented(std::string_view text, const std::string& indent) {
  return fmt::format("{}{}", indent, fmt::join(wrapped(text, k_width - indent.size()), "\n" + indent));
}

std::string option_rows(const std::vector<Option>& options) {
  std::string out;
  for (const auto& option : options)
    out += "  " + option_heading(option) + "\n" + indented(option.text, "        ") + "\n";
  return out;
}

std::string command_rows(const std::vector<const Command*>& commands) {
  constexpr std::size_t k_name_width = 16;  // the longest name
  std::string out;
  for (const auto* command : commands)
    out += fmt::format("  {:<{}} {}\n", command->name, k_name_width, command->summary);
  return out;
}

const std::vector<Option>& scope_options() {
  static const std::vector<Option> k_options{{"user", "", "your own tunnels; the default unless you are root"},
                                             {"system", "", "the machine's tunnels, in /etc; the default for root"}};
  return k_options;
}

}  // namespace

const std::vector<Option>& common_options() {
  static const std::vector<Option> k_options{
      {"env-file", "FILE", "read environment variables from FILE, one KEY=VALUE a line", false, Values::file},
      {"verbose,v", "", "print more; HOLDFAST_DEBUG=1 does the same"},
      {"quiet,q", "", "print only the answer and errors"},
      {"help,h", "", "show this help"}};
  return k_options;
}

std::vector<Option> all_options(const Command& command) {
  auto options = command.options;
  if (command.scoped) options.insert(options.end(), scope_options().begin(), scope_options().end());
  options.insert(options.end(), common_options().begin(), common_options().end());
  return options;
}

std::string option_heading(const Option& option) {
  auto names = names_of(option);
  std::ranges::stable_sort(names, [](const auto& a, const auto& b) { return (a.size() == 1) > (b.size() == 1); });
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + std::string(name.size() == 1 ? "-" : "--") + name;
  if (!option.argument.empty()) out += " " + std::string(option.argument);
  return out;
}

std::string overview() {
  std::string out =
      "holdfast: persistent SSH reverse tunnels, with or without root\n\n"
      "usage: holdfast COMMAND [OPTION…]\n\n";
  for (const auto& group : command_groups()) out += fmt::format("{}:\n{}\n", group.title, command_rows(group.commands));
  out +=
      "  holdfast setup -p 2222 -b gate@bastion   forward the bastion's port 2222 here\n"
      "  holdfast status                          show whether that works\n"
      "  holdfast help COMMAND                    show a command's options\n"
      "  holdfast help --man                      read the manual\n"
      "  holdfast --help-recursive                show every option of every command\n";
  return out;
}

std::string command_help(const Command& command) {
  std::string out = fmt::format("holdfast {}: {}\n\nusage: holdfast {}{}{}\n", command.name, command.summary,
                                command.name, command.synopsis.empty() ? "" : " ", command.synopsis);
  for (const auto alias : command.aliases) out += fmt::format("       (old name: holdfast {})\n", alias);
  for (const auto& paragraph : split(command.description, '\n'))
    if (!paragraph.empty()) out += "\n" + indented(paragraph, "") + "\n";
  if (!command.subcommands.empty()) out += "\n" + command_rows(command.subcommands);
  if (!command.options.empty()) out += "\noptions:\n" + option_rows(command.options);
  if (command.scoped) out += "\nwhose tunnels:\n" + option_rows(scope_options());
  out += "\nevery command:\n" + option_rows(common_options());
  return out;
}

std::string recursive_help() {
  auto out = overview();
  for (const auto* command : all_commands_and_subcommands())
    out += "\n" + std::string(k_width, '-') + "\n" + command_help(*command);
  return out;
}

}  // namespace holdfast::cli
