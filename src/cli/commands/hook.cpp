#include "backends/plan/apply.hpp"
#include "backends/text/login_hook_text.hpp"
#include "cli/commands.hpp"
#include "store/paths.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

using backends::Shell;

Result<std::vector<Shell>> chosen_shells(const Arguments& arguments, const os::Host& host) {
  std::vector<Shell> shells;
  for (const auto& operand : arguments.operands()) {
    HOLDFAST_TRY(const auto shell, backends::parse_shell(operand));
    shells.push_back(shell);
  }
  if (!shells.empty()) return shells;
  HOLDFAST_TRY(const auto shell, backends::login_shell(host));
  return std::vector{shell};
}

/// Carries the steps out, all or none, and tells of each file whether there was anything to do.
Result<> edit(const backends::Plan& plan, Context& context) {
  const auto changes = backends::due_edits(plan, context.host);
  HOLDFAST_CHECK(backends::apply(plan, context.host));
  for (const auto& change : changes) context.terminal.answer("changed " + change.file.string());
  return {};
}

Result<> change_files(bool install, Shell shell, const store::Paths& paths, Context& context) {
  backends::Plan plan;
  if (install) {
    HOLDFAST_TRY(plan, backends::install_hook(shell, paths, context.host));
  } else {
    plan = backends::remove_hook(shell, paths, context.host);
  }
  auto done = edit(plan, context);
  if (done || !done.error().hint.empty()) return done;
  auto error = std::move(done).error();
  error.hint = fmt::format("holdfast hook {} prints the lines, to be edited by hand", backends::to_text(shell));
  return error;
}

Result<ExitStatus> hook(Context& context, const Arguments& arguments) {
  const bool install = arguments.has("install");
  const bool remove = arguments.has("remove");
  if (install && remove) return usage_error("options --install and --remove", "only one of them can be meant");
  HOLDFAST_TRY(const auto paths, store::paths(Scope::user, context.host));
  if (!install && !remove && arguments.operands().size() != 1)
    return usage_error("what to print", "it takes one shell: sh, bash, zsh or fish",
                       "holdfast hook --install edits the start-up files itself");
  HOLDFAST_TRY(const auto shells, chosen_shells(arguments, context.host));
  for (const auto shell : shells) {
    if (install || remove) {
      HOLDFAST_CHECK(change_files(install, shell, paths, context));
      continue;
    }
    HOLDFAST_TRY(const auto text, backends::hook_text(shell, paths, context.host));
    context.terminal.answer(text);
  }
  if (install) context.terminal.note("the hook is in place; the next login starts what should run and does not");
  if (remove) context.terminal.note("the hook is gone; a login starts nothing");
  return ExitStatus::done;
}

}  // namespace

const Command& hook_command() {
  static const Command command{
      .name = "hook",
      .synopsis = "SHELL | --install [SHELL…] | --remove [SHELL…]",
      .summary = "print a login hook, or put it into the start-up files",
      .description =
          "The hook runs holdfast ensure in the background of each interactive shell. It prints nothing, waits for "
          "nothing and does nothing in ssh HOST COMMAND, scp, sftp and rsync.\n"
          "Without SHELL, --install and --remove take your login shell. The files are given back byte for byte.",
      .options = {{"install", "", "put it into the start-up files, between markers"},
                  {"remove", "", "take it out of them"}},
      .scoped = false,
      .most_operands = k_any_number,
      .operands = Values::hook_shell,
      .run = hook};
  return command;
}

}  // namespace holdfast::cli
