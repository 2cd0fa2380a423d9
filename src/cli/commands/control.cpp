#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/output/terminal_observer.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "store/tunnel_store.hpp"
#include "store/tunnels_directory.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/running.hpp"
#include "tunnels/selection.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// Changes one tunnel and prints the result.
using Action = Result<> (*)(const TunnelName&, const store::Paths&, Context&);

constexpr Option k_all_option{"all", "", "every tunnel of this host and scope"};

Result<std::vector<TunnelName>> chosen_names(const Arguments& arguments, const os::Host& host,
                                             const store::Paths& paths) {
  if (arguments.has("all") != arguments.operands().empty())
    return usage_error("the command line", "give tunnel names or --all", "holdfast status lists them");
  if (!arguments.has("all")) return tunnels::named_tunnels(arguments.operands(), host, paths);
  HOLDFAST_CHECK(store::check_readable(host, paths));
  std::vector<TunnelName> names;
  for (auto& entry : store::load_all(host, paths))
    if (!entry.tunnel || !tunnels::is_elsewhere(*entry.tunnel, host)) names.push_back(std::move(entry.name));
  return names;
}

/// Continues after a failure. The exit status is that of the last failure. A signal ends it between two tunnels, and
/// ends a wait for `up`. A tunnel that restart has stopped is started all the same: the terminal may hang up because
/// the login came through that tunnel.
Result<ExitStatus> run_for_each(Context& context, const Arguments& arguments, Action action) {
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, context.host));
  HOLDFAST_TRY(const auto names, chosen_names(arguments, context.host, paths));
  if (names.empty()) context.terminal.note("there are no tunnels");
  const Interruption guard;
  auto status = ExitStatus::done;
  for (const auto& name : names) {
    HOLDFAST_CHECK(Interruption::check());
    const auto done = action(name, paths, context);
    if (done) continue;
    context.terminal.error(done.error());
    status = done.error().status;
  }
  return status;
}

void print_arrival(const TunnelName& name, const tunnels::Arrival& arrival, Terminal& terminal) {
  if (arrival.standing_by) {
    terminal.answer(fmt::format(
        "tunnel {} stands by: another host has the port; this host takes over when the port is free", name.text()));
  } else if (arrival.target_down) {
    terminal.answer(fmt::format("tunnel {} is open and waits for its target{}", name.text(),
                                arrival.failure ? ": " + printable(arrival.failure->message) : ""));
  } else if (arrival.verified) {
    terminal.answer(fmt::format("tunnel {} is up: verified end to end in {} ms", name.text(), arrival.took.count()));
  } else {
    terminal.answer(fmt::format("tunnel {} is up, but could not be verified end to end{}", name.text(),
                                arrival.failure ? ": " + printable(arrival.failure->message) : ""));
  }
}

Result<> start_one(const TunnelName& name, const store::Paths& paths, Context& context) {
  const TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto arrival, tunnels::start_tunnel(name, paths, context.host, observer));
  print_arrival(name, arrival, context.terminal);
  return {};
}

Result<> stop_one(const TunnelName& name, const store::Paths& paths, Context& context) {
  std::vector<std::string> warnings;
  HOLDFAST_TRY(const auto stopped, tunnels::stop_tunnel(name, paths, context.host, warnings));
  std::string text = fmt::format("tunnel {} is stopped", name.text());
  if (!stopped.anything()) text = fmt::format("tunnel {} was not running", name.text());
  for (const auto pid : stopped.supervisors) text += fmt::format(", supervisor {} has ended", pid);
  context.terminal.answer(text);
  for (const auto& warning : warnings) context.terminal.warn(warning);
  if (!stopped.cannot_restart.empty())
    context.terminal.warn(fmt::format("tunnel {} cannot be started again: {}. Run holdfast setup again", name.text(),
                                      printable(stopped.cannot_restart)));
  return {};
}

Result<> restart_one(const TunnelName& name, const store::Paths& paths, Context& context) {
  const TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto arrival, tunnels::restart_tunnel(name, paths, context.host, observer));
  print_arrival(name, arrival, context.terminal);
  return {};
}

Result<> restart_keeping(const TunnelName& name, const store::Paths& paths, Context& context) {
  TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto arrival, tunnels::restart_keeping_connection(name, paths, context.host, observer));
  print_arrival(name, arrival, context.terminal);
  return {};
}

}  // namespace

const Command& start_command() {
  static const Command command{
      .name = "start",
      .synopsis = "NAME… | --all",
      .summary = "start tunnels, and wait until they are up",
      .description = "The exit status is 3 when one was started but is not up; holdfast keeps trying.",
      .options = {k_all_option},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) { return run_for_each(context, arguments, start_one); }};
  return command;
}

const Command& stop_command() {
  static const Command command{
      .name = "stop",
      .synopsis = "NAME… | --all",
      .summary = "stop tunnels; they stay installed",
      .description =
          "It returns when the supervisor and its ssh have ended. The tunnel may start again at the next boot or "
          "login, depending on its backend. To prevent that, remove it.",
      .options = {k_all_option},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) { return run_for_each(context, arguments, stop_one); }};
  return command;
}

const Command& restart_command() {
  static const Command command{
      .name = "restart",
      .synopsis = "[--keep-connection] NAME… | --all",
      .summary = "stop and start tunnels, and wait until they are up",
      .description =
          "Use it after you edited a tunnel file, or to run a new version of holdfast.\n"
          "With --keep-connection the new supervisor takes over the running ssh, and no session through the tunnel is "
          "dropped. If the file changed in a way that needs a new connection, or has fewer forwards, holdfast says so "
          "and reconnects.",
      .options = {{"keep-connection", "", "keep ssh running under the new supervisor"}, k_all_option},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) {
        return run_for_each(context, arguments, arguments.has("keep-connection") ? restart_keeping : restart_one);
      }};
  return command;
}

}  // namespace holdfast::cli
