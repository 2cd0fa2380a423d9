#include "cli/commands.hpp"
#include "cli/help.hpp"

namespace holdfast::cli {
namespace {

Result<ExitStatus> show_version(Context& context, const Arguments&) {
  context.terminal.answer("holdfast " HOLDFAST_VERSION);
  return ExitStatus::done;
}

Result<ExitStatus> show_help(Context& context, const Arguments& arguments) {
  if (arguments.operands().empty()) {
    context.terminal.answer(overview());
    return ExitStatus::done;
  }
  const auto& operands = arguments.operands();
  const auto name = operands.size() > 1 ? operands[0] + " " + operands[1] : operands[0];
  const auto* command = find_command(operands[0]);
  if (command != nullptr && operands.size() > 1) command = find_part(*command, operands[1]);
  if (command == nullptr)
    return usage_error("command " + name, "there is no such command", "holdfast help lists the commands");
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
                               .synopsis = "[COMMAND]",
                               .summary = "show what holdfast can do, or a command's options",
                               .description = "",
                               .scoped = false,
                               .most_operands = 2,
                               .operands = Values::command,
                               .run = show_help};
  return command;
}

}  // namespace holdfast::cli
