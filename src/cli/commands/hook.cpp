#include "backends/plan/apply.hpp"
#include "backends/text/login_hook_text.hpp"
#include "cli/commands.hpp"
#include "store/paths.hpp"
#include "tunnels/hook_check.hpp"
#include "tunnels/own_directories.hpp"

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

/// Runs the plan, all steps or none, and prints each changed file.
Result<> execute(const backends::Plan& plan, Context& context) {
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
  auto done = execute(plan, context);
  if (done || !done.error().hint.empty()) return done;
  auto error = std::move(done).error();
  error.hint = fmt::format("holdfast hook {} prints the lines; add or delete them by hand", backends::to_text(shell));
  return error;
}

void report_hook_checks(const std::vector<Shell>& shells, Context& context) {
  for (const auto shell : shells) {
    const auto checked = tunnels::check_hook(shell, context.host);
    if (checked) continue;
    context.terminal.warn(checked.error().line());
    context.terminal.note("the hook is installed, but is not proven to run at the next login");
    if (const auto& hint = checked.error().hint; !hint.empty()) context.terminal.note("  hint: " + hint);
    return;
  }
  context.terminal.note("the hook is installed; the next login starts tunnels that should be running but aren't");
}

Result<ExitStatus> hook(Context& context, const Arguments& arguments) {
  const bool install = arguments.has("install");
  const bool remove = arguments.has("remove");
  if (install && remove) return usage_error("options --install and --remove", "give only one of them");
  HOLDFAST_TRY(const auto paths, store::paths(Scope::user, context.host));
  if (!install && !remove && arguments.operands().size() != 1)
    return usage_error("the command line", "give one shell: sh, bash, zsh or fish",
                       "holdfast hook --install edits the start-up files itself");
  if (install || remove) HOLDFAST_CHECK(tunnels::require_own_directories(paths, context.host));
  HOLDFAST_TRY(const auto shells, chosen_shells(arguments, context.host));
  for (const auto shell : shells) {
    if (install || remove) {
      HOLDFAST_CHECK(change_files(install, shell, paths, context));
      continue;
    }
    HOLDFAST_TRY(const auto text, backends::hook_text(shell, paths, context.host));
    context.terminal.answer(text);
  }
  if (install) report_hook_checks(shells, context);
  if (remove) context.terminal.note("the hook is removed; a login starts nothing");
  return ExitStatus::done;
}

}  // namespace

const Command& hook_command() {
  static const Command command{
      .name = "hook",
      .synopsis = "SHELL | --install [SHELL…] | --remove [SHELL…]",
      .summary = "print, install or remove the login hook",
      .description =
          "The hook runs holdfast ensure in the background of each interactive shell. It prints nothing, delays "
          "nothing, and does nothing in ssh HOST COMMAND, scp, sftp and rsync.\n"
          "Without SHELL, --install and --remove use your login shell. If a start-up file replaces that shell "
          "(exec fish), the other shell gets the hook, too. --install starts a login shell once to prove that the hook "
          "runs. --remove restores the files byte for byte.",
      .options = {{"install", "", "add it to the start-up files, between markers"},
                  {"remove", "", "remove it from the start-up files"}},
      .scoped = false,
      .most_operands = k_any_number,
      .operands = Values::hook_shell,
      .run = hook};
  return command;
}

}  // namespace holdfast::cli
