#include "cli/commands/setup.hpp"
#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/interruption.hpp"
#include "cli/output/answers_json.hpp"
#include "cli/output/status_output.hpp"
#include "cli/output/terminal_observer.hpp"
#include "core/text.hpp"
#include "os/read_only_host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/active_bastion.hpp"
#include "tunnels/client_command.hpp"
#include "tunnels/exposures.hpp"
#include "tunnels/setup/setup.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <fmt/format.h>

#include <csignal>

namespace holdfast::cli {
namespace {

tunnels::TunnelStatus status_of(const Tunnel& tunnel, const store::Paths& paths, Context& context) {
  std::vector<std::string> warnings;
  auto statuses = tunnels::gather_status({{tunnel->name, tunnel}}, paths, context.host, warnings);
  for (const auto& warning : warnings) context.terminal.warn(warning);
  return std::move(statuses.front());
}

/// The command for a laptop is left out: a move does not change it.
void show_move(const tunnels::SetupOutcome& outcome, bool strongest, Context& context) {
  const auto& tunnel = outcome.tunnel;
  const auto held = fmt::format("tunnel {} is held by {}", tunnel->name.text(), tunnel->backend);
  if (!outcome.changed)
    return context.terminal.answer(held + (strongest ? " already, the strongest that works here" : " already") +
                                   ": nothing to do, nothing changed");
  if (outcome.standing_by) return context.terminal.answer(held + ", and stands by: another host has it");
  if (outcome.target_down)
    return context.terminal.answer(
        fmt::format("{}, and waits for its target: {}", held, printable(outcome.target_down->message)));
  if (outcome.unverified)
    return context.terminal.answer(fmt::format("{}, and up, but could not be verified end to end: {}", held,
                                               printable(outcome.unverified->message)));
  context.terminal.answer(
      fmt::format("{}: verified end to end {} ms after the previous backend released it", held, outcome.took.count()));
}

/// The last line of setup. The bastion's real name, user and port, not an alias of this machine.
void show_client_command(const Tunnel& tunnel, const os::User& user, Context& context) {
  const os::ReadOnlyHost host(context.host);
  auto route = tunnels::unresolved_route(tunnel, user);
  if (const auto client = ssh::find_client(host))
    if (auto found = tunnels::client_route(tunnel, user, *client, host)) route = std::move(*found);
  context.terminal.note("from a laptop that may log in to the bastion:");
  if (!route.proxy_commands.empty())
    context.terminal.note("  note: this machine reaches the bastion through a ProxyCommand, which the laptop may lack");
  context.terminal.answer(tunnels::client_command(tunnel, route, tunnels::login_name(user, host)));
}

void show_setup(const tunnels::SetupOutcome& outcome, const tunnels::SetupRequest& request, Context& context) {
  const auto& tunnel = outcome.tunnel;
  auto& terminal = context.terminal;
  const auto& name = tunnel->name.text();
  if (outcome.standing_by) {
    terminal.answer(fmt::format("tunnel {} {}: another host has it, and this one takes over when that one stops", name,
                                outcome.changed ? "stands by" : "stands by already, nothing changed"));
  } else if (outcome.target_down) {
    terminal.answer(fmt::format("tunnel {} is open{} and waits for its target: {}", name,
                                outcome.changed ? "" : " already, nothing changed,",
                                printable(outcome.target_down->message)));
  } else if (!outcome.changed) {
    terminal.answer(fmt::format("tunnel {} is up already: nothing to do, nothing changed", name));
  } else if (outcome.unverified) {
    terminal.answer(fmt::format("tunnel {} is up after {} ms, but could not be verified end to end: {}", name,
                                outcome.took.count(), printable(outcome.unverified->message)));
    if (!outcome.unverified->hint.empty()) terminal.answer("  hint: " + printable(outcome.unverified->hint));
  } else {
    terminal.answer(fmt::format("tunnel {} is up: verified end to end in {} ms", name, outcome.took.count()));
  }
  show_client_command(tunnels::via_active_bastion(tunnel, request.paths, context.host), request.run_as, context);
}

Result<ExitStatus> print_plan(Context& context, const tunnels::SetupRequest& request, bool json) {
  TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto lines, tunnels::preview_setup(request, context.host, observer));
  if (json) context.terminal.answer(plan_json(lines));
  for (const auto& line : lines)
    if (!json) context.terminal.answer(line);
  const auto& bastion = request.bastion.text();
  context.terminal.note(request.move ? "nothing was changed: --dry-run"
                                     : "nothing was changed, and the bastion was not checked: --dry-run. To check it: "
                                       "holdfast doctor -b " +
                                           shell_quote(bastion));
  return ExitStatus::done;
}

Result<ExitStatus> set_up(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto request, read_setup_request(context, arguments));
  return execute(context, arguments, request);
}

}  // namespace

Result<ExitStatus> execute(Context& context, const Arguments& arguments, const tunnels::SetupRequest& request) {
  const bool json = arguments.has("json");
  if (arguments.has("dry-run")) return print_plan(context, request, json);
  HOLDFAST_CHECK(tunnels::check_for_unresponsive_paths(context.host));
  // A change ends the tunnel's connection, and the user's terminal may be a login through it.
  if (store::exists(context.host, request.paths, request.name)) std::signal(SIGHUP, SIG_IGN);
  const Interruption guard;
  TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto outcome, tunnels::run_setup(request, context.host, observer));
  for (const auto& exposure : tunnels::await_exposures(outcome.tunnel, request.paths, context.host, observer))
    context.terminal.warn(printable(fmt::format("{}: {}", exposure.message, exposure.hint)));
  if (json)
    context.terminal.answer(setup_json(status_of(outcome.tunnel, request.paths, context), outcome.changed));
  else if (request.move)
    show_move(outcome, request.backend == "auto", context);
  else
    show_setup(outcome, request, context);
  return ExitStatus::done;
}

const Command& setup_command() {
  static const Command command{
      .name = "setup",
      .aliases = {"setup-tunnel"},
      .synopsis = "-p PORT -b BASTION [OPTION…]",
      .summary = "set up a tunnel, keep it up, and verify it end to end",
      .description =
          "Checks everything first, with the real ssh and as the user that the tunnel will run as. Then it writes the "
          "tunnel's file, installs the tunnel through a backend, starts it and waits until it is verified end to end. "
          "Its last line of output is the ssh command for your laptop.\n"
          "Run it again with the same arguments, and it changes nothing and says so. With other arguments it updates "
          "the tunnel. If a step fails, setup undoes everything and starts the previous tunnel of that name again.\n"
          "The exit status is 2 for invalid usage, 5 when no backend can be used, 1 for any other failure.",
      .options = setup_options(),
      .run = set_up};
  return command;
}

}  // namespace holdfast::cli
