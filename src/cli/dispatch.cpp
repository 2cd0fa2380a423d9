#include "cli/dispatch.hpp"

#include "cli/output/answers_json.hpp"
#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace holdfast::cli {
namespace {

constexpr std::size_t k_largest_environment_file = 256 * 1024;

/// A command line, taken apart at the command's name.
struct Line {
  std::vector<std::string> before;
  std::string command;
  std::vector<std::string> after;
};

// Options may stand before the command as well; of those only --env-file takes a value.
Line take_apart(const std::vector<std::string>& words) {
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

Error unknown_command(const std::string& typed) {
  std::vector<std::string> known;
  for (const auto* command : all_commands()) known.emplace_back(command->name);
  const auto meant = nearest(typed, known);
  return usage_error("command " + typed, "there is no such command",
                     meant ? "did you mean holdfast " + *meant : "holdfast help lists the commands");
}

/// The command that is meant, where `command` is a group: the first word of `words` that is no option names it, and is
/// taken out. The group itself when only its help is asked for.
Result<const Command*> find_meant(const Command& command, std::vector<std::string>& words) {
  if (command.parts.empty()) return &command;
  auto line = take_apart(words);
  const std::string group(command.name);
  if (line.command.empty()) {
    for (const auto* help : {"--help", "-h"})
      if (std::ranges::find(words, help) != words.end()) return &command;
    return usage_error("command " + group, "which of its commands is missing", "holdfast help " + group);
  }
  const auto* part = find_part(command, line.command);
  if (part == nullptr) {
    const auto meant = nearest(line.command, part_names(command));
    return usage_error(fmt::format("command {} {}", group, line.command), "there is no such command",
                       meant ? fmt::format("did you mean holdfast {} {}", group, *meant) : "holdfast help " + group);
  }
  line.before.insert(line.before.end(), line.after.begin(), line.after.end());
  words = std::move(line.before);
  return part;
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
                       "holdfast " + std::string(command.name) + " does not take it",
                       "holdfast help " + std::string(command.name));
  Context context{host, terminal};
  HOLDFAST_TRY(context.variables, read_variables(arguments, host));
  terminal.set_quiet(arguments.has("quiet"));
  terminal.set_verbose(arguments.has("verbose") || wants_debugging(context.variables));
  return command.run(context, arguments);
}

Result<ExitStatus> dispatch_words(const std::vector<std::string>& words, os::Host& host, Terminal& terminal) {
  auto line = take_apart(words);
  const auto asks_for = [&](std::string_view word) {
    return std::ranges::find(line.before, word) != line.before.end();
  };
  if (line.command.empty() || asks_for("--help") || asks_for("-h") || asks_for("--version") ||
      asks_for("--help-recursive")) {
    if (asks_for("--version")) return run_command(version_command(), {}, host, terminal);
    if (asks_for("--help-recursive")) {
      terminal.answer(recursive_help());
      return ExitStatus::done;
    }
    if (asks_for("--help") || asks_for("-h")) {
      terminal.answer(overview());
      return ExitStatus::done;
    }
    for (const auto& word : line.before)
      if (word != "-v" && word != "-q" && word != "--verbose" && word != "--quiet")
        return usage_error("option " + word, "there is no command to it", "holdfast help lists the commands");
    return usage_error("the command line", "there is no command on it", "holdfast help lists the commands");
  }
  const auto* command = find_command(line.command);
  if (command == nullptr) return unknown_command(line.command);
  HOLDFAST_TRY(command, find_meant(*command, line.after));
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
    terminal.error(Error{"", "internal error", bug.what(), "please report it, with what you typed"});
  }
  if (!terminal.flush() && !terminal.reader_has_gone() && status == ExitStatus::done) {
    terminal.error(Error{"writing", "the answer", "standard output does not take it", ""});
    status = ExitStatus::failed;
  }
  return static_cast<int>(status);
}

}  // namespace holdfast::cli
