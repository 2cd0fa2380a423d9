#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/man_page.hpp"

namespace holdfast::cli {
namespace {

Result<ExitStatus> show_version(Context& context, const Arguments&) {
  context.terminal.answer("holdfast " HOLDFAST_VERSION);
  return ExitStatus::done;
}

Result<ExitStatus> show_man_page(Context& context, const Arguments& arguments) {
  const auto& operands = arguments.operands();
  if (operands.size() > 1) return usage_error("\"" + operands[1] + "\"", "help --man takes one page");
  HOLDFAST_TRY(const auto page, man_page(operands.empty() ? "holdfast" : operands.front()));
  context.terminal.answer(render_overstrikes(page, context.terminal.colours_out()));
  return ExitStatus::done;
}

Result<ExitStatus> show_help(Context& context, const Arguments& arguments) {
  if (arguments.has("man")) return show_man_page(context, arguments);
  const auto& operands = arguments.operands();
  if (operands.empty()) {
    context.terminal.answer(overview());
    return ExitStatus::done;
  }
  const auto* command = find_command(operands[0]);
  if (command != nullptr && operands.size() > 1) command = find_subcommand(*command, operands[1]);
  if (command == nullptr)
    return usage_error("command " + operands[0] + (operands.size() > 1 ? " " + operands[1] : ""),
                       "there is no such command", "holdfast help lists the commands");
  context.terminal.answer(command_help(*command));
  return ExitStatus::done;
}

}  // namespace

const Command& version_command() {
  static const Command command{.name = "version",
                               .synopsis = "",
                               .summary = "show the version",
                               .description = "",
                               .scoped = false,
                               .run = show_version};
  return command;
}

const Command& help_command() {
  static const Command command{.name = "help",
                               .synopsis = "[COMMAND] | --man [PAGE]",
                               .summary = "list the commands, or show the options of one",
                               .description =
                                   "With --man it prints a manual page from the program itself: holdfast "
                                   "(the default), holdfast.conf or holdfast-backends.",
                               .options = {{"man", "", "print a manual page"}},
                               .scoped = false,
                               .most_operands = 2,
                               .operands = Values::command,
                               .run = show_help};
  return command;
}

}  // namespace holdfast::cli
