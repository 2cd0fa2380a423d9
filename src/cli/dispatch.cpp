#include "cli/dispatch.hpp"

#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/output/answers_json.hpp"
#include "core/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace holdfast::cli {
namespace {

constexpr std::size_t k_largest_environment_file = 256 * 1024;

/// A command line, split at the command's name.
struct Line {
  std::vector<std::string> before;
  std::string command;
  std::vector<std::string> after;
};

// Options may precede the command; of these only --env-file takes a value.
Line split_line(const std::vector<std::string>& words) {
  Line line;
  std::size_t at = 0;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    line.before.push_back(words[at]);
    if (words[at] == "--env-file" && at + 1 < words.size()) line.before.push_back(words[++at]);
  }
  if (at < words.size()) line.command = words[at++];
  line.after.assign(words.begin() + static_cast<std::ptrdiff_t>(std::min(at, words.size())), words.end());
  return line;
}

/// Names that other programs use for a command.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> k_synonyms{{{"ls", "status"},
                                                                                   {"list", "status"},
                                                                                   {"ps", "status"},
                                                                                   {"rm", "remove"},
                                                                                   {"delete", "remove"},
                                                                                   {"uninstall", "remove"},
                                                                                   {"install", "setup"},
                                                                                   {"add", "setup"}}};

std::string hint_for_unknown_command(const std::string& typed) {
  for (const auto& [synonym, name] : k_synonyms)
    if (typed == synonym) return fmt::format("did you mean holdfast {}", name);
  std::vector<std::string> known;
  for (const auto* command : all_commands()) known.emplace_back(command->name);
  return suggestion(typed, known, "holdfast ", "holdfast help lists the commands");
}

/// `command`, or its subcommand: then the first word that is no option names it, and is removed from `words`.
Result<const Command*> find_leaf(const Command& command, std::vector<std::string>& words) {
  if (command.subcommands.empty()) return &command;
  auto line = split_line(words);
  const std::string name(command.name);
  if (line.command.empty()) {
    for (const auto* help : {"--help", "-h"})
      if (std::ranges::find(words, help) != words.end()) return &command;
    return usage_error("command " + name, "its subcommand is missing", "holdfast help " + name);
  }
  const auto* subcommand = find_subcommand(command, line.command);
  if (subcommand == nullptr)
    return usage_error(fmt::format("command {} {}", name, line.command), "there is no such command",
                       suggestion(line.command, subcommand_names(command), fmt::format("holdfast {} ", name),
                                  "holdfast help " + name));
  line.before.insert(line.before.end(), line.after.begin(), line.after.end());
  words = std::move(line.before);
  return subcommand;
}

Result<Variables> read_variables(const Arguments& arguments, const os::Host& host) {
  const auto file = arguments.one("env-file");
  if (!file) return Variables(host, {});
  auto text = host.read_file(*file, k_largest_environment_file);
  if (!text) {
    auto error = std::move(text).error();
    error.status = ExitStatus::usage;
    return error;
  }
  HOLDFAST_TRY(auto values, parse_environment_file(*text, *file));
  return Variables(host, std::move(values));
}

bool wants_debugging(const Variables& variables) {
  const auto value = variables.first_of({"HOLDFAST_DEBUG", "SCITEX_TUNNEL_DEBUG_MODE"});
  return value && *value != "0" && *value != "false" && *value != "no";
}

Result<ExitStatus> run_command(const Command& command, const std::vector<std::string>& words, os::Host& host,
                               Terminal& terminal) {
  const auto options = all_options(command);
  HOLDFAST_TRY(const auto arguments, parse_arguments(words, options));
  if (arguments.has("help")) {
    terminal.answer(command_help(command));
    return ExitStatus::done;
  }
  if (arguments.operands().size() > command.most_operands)
    return usage_error("\"" + arguments.operands()[command.most_operands] + "\"",
                       "unexpected argument of holdfast " + std::string(command.name),
                       "holdfast help " + std::string(command.name));
  Context context{host, terminal};
  HOLDFAST_TRY(context.variables, read_variables(arguments, host));
  terminal.set_quiet(arguments.has("quiet"));
  terminal.set_verbose(arguments.has("verbose") || wants_debugging(context.variables));
  return command.run(context, arguments);
}

Result<ExitStatus> dispatch_words(const std::vector<std::string>& words, os::Host& host, Terminal& terminal) {
  auto line = split_line(words);
  const auto has = [&](std::string_view option) { return std::ranges::find(line.before, option) != line.before.end(); };
  if (has("--version")) return run_command(version_command(), {}, host, terminal);
  if (has("--help-recursive") || has("--help") || has("-h")) {
    terminal.answer(has("--help-recursive") ? recursive_help() : overview());
    return ExitStatus::done;
  }
  if (line.command.empty()) {
    for (const auto& word : line.before)
      if (word != "-v" && word != "-q" && word != "--verbose" && word != "--quiet")
        return usage_error("option " + word, "missing command", "holdfast help lists the commands");
    terminal.answer(overview());
    return ExitStatus::usage;
  }
  const auto* command = find_command(line.command);
  if (command == nullptr)
    return usage_error("command " + line.command, "there is no such command", hint_for_unknown_command(line.command));
  HOLDFAST_TRY(command, find_leaf(*command, line.after));
  line.before.insert(line.before.end(), line.after.begin(), line.after.end());
  return run_command(*command, line.before, host, terminal);
}

bool wants_json(const std::vector<std::string>& words) {
  const auto operands = std::ranges::find(words, "--");
  return std::find(words.begin(), operands, "--json") != operands;
}

}  // namespace

int dispatch(const std::vector<std::string>& words, os::Host& host, Terminal& terminal) {
  auto status = ExitStatus::failed;
  try {
    auto done = dispatch_words(words, host, terminal);
    if (!done) terminal.error(done.error());
    if (!done && wants_json(words)) terminal.answer(error_json(done.error()));
    status = done ? *done : done.error().status;
  } catch (const std::exception& bug) {
    terminal.error(Error{"", "internal error", bug.what(), "report it, with the command line"});
  }
  if (!terminal.flush() && !terminal.reader_has_gone() && status == ExitStatus::done) {
    terminal.error(Error{"writing", "the answer", "standard output cannot be written", ""});
    status = ExitStatus::failed;
  }
  return static_cast<int>(status);
}

}  // namespace holdfast::cli
