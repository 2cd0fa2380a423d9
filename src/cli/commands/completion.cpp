#include "cli/commands.hpp"
#include "cli/completion/completions.hpp"
#include "cli/completion/scripts.hpp"

#include <algorithm>

namespace holdfast::cli {
namespace {

Result<ExitStatus> complete(Context& context, const Arguments& arguments) {
  if (arguments.has("candidates")) {
    const auto lines = completion_lines(completions(arguments.operands(), context.host));
    if (!lines.empty()) context.terminal.answer(lines);
    return ExitStatus::done;
  }
  if (arguments.operands().size() != 1)
    return usage_error("the command line", "give one shell: bash, zsh or fish", "holdfast completion bash");
  const auto& shell = arguments.operands().front();
  const auto* script = std::ranges::find(k_completion_scripts, shell, &CompletionScript::shell);
  if (script == k_completion_scripts.end())
    return usage_error("shell \"" + shell + "\"", "there is no completion script for it", "choose bash, zsh or fish");
  context.terminal.answer(embedded_completion(script->file));
  if (context.terminal.out_is_terminal()) context.terminal.note(script->recommendation);
  return ExitStatus::done;
}

}  // namespace

const Command& completion_command() {
  static const Command command{
      .name = "completion",
      .synopsis = "SHELL",
      .summary = "print the completion script of bash, zsh or fish",
      .description =
          "It completes commands, options, backends, the names of your tunnels, and the Host aliases of ~/.ssh/config. "
          "A package installs the scripts. Without a package, add to ~/.bashrc: eval \"$(holdfast completion bash)\". "
          "For zsh add the same with zsh to ~/.zshrc, after compinit. For fish: holdfast completion fish > "
          "~/.config/fish/completions/holdfast.fish",
      .options = {{"candidates", "",
                   "for the scripts: print completions of the last word; the words typed so far follow \"--\""}},
      .scoped = false,
      .most_operands = k_any_number,
      .operands = Values::completion_shell,
      .run = complete};
  return command;
}

}  // namespace holdfast::cli
