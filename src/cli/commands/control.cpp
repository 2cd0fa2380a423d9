#include "cli/commands.hpp"
#include "cli/output/terminal_observer.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "tunnels/running.hpp"
#include "tunnels/selection.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// What a command does to one tunnel; says what it did.
using Act = Result<> (*)(const TunnelName&, const store::Paths&, Context&);

/// Every tunnel gets its turn; the exit status is that of the last that did not go well.
Result<ExitStatus> act_on_all(Context& context, const Arguments& arguments, Act act) {
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, context.host));
  if (arguments.operands().empty())
    return usage_error("the command line", "the name of a tunnel is missing", "holdfast status lists them");
  HOLDFAST_TRY(const auto names, tunnels::named_tunnels(arguments.operands(), context.host, paths));
  auto status = ExitStatus::done;
  for (const auto& name : names) {
    const auto done = act(name, paths, context);
    if (done) continue;
    context.terminal.error(done.error());
    status = done.error().status;
  }
  return status;
}

void tell_arrival(const TunnelName& name, const tunnels::Arrival& arrival, Terminal& terminal) {
  if (arrival.standing_by) {
    terminal.answer(
        fmt::format("tunnel {} stands by: another host has it, and this one takes over when it lets go", name.text()));
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
  tell_arrival(name, arrival, context.terminal);
  return {};
}

Result<> stop_one(const TunnelName& name, const store::Paths& paths, Context& context) {
  HOLDFAST_TRY(const auto stopped, tunnels::stop_tunnel(name, paths, context.host));
  std::string what = fmt::format("tunnel {} is stopped", name.text());
  if (!stopped.anything()) what = fmt::format("tunnel {} was not running", name.text());
  for (const auto pid : stopped.supervisors) what += fmt::format(", supervisor {} has ended", pid);
  context.terminal.answer(what);
  return {};
}

Result<> restart_one(const TunnelName& name, const store::Paths& paths, Context& context) {
  const TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto arrival, tunnels::restart_tunnel(name, paths, context.host, observer));
  tell_arrival(name, arrival, context.terminal);
  return {};
}

Result<> restart_keeping(const TunnelName& name, const store::Paths& paths, Context& context) {
  TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto arrival, tunnels::restart_keeping_connection(name, paths, context.host, observer));
  tell_arrival(name, arrival, context.terminal);
  return {};
}

}  // namespace

const Command& start_command() {
  static const Command command{
      .name = "start",
      .synopsis = "NAME…",
      .summary = "start tunnels that are set up, and wait until they are up",
      .description = "The exit status is 3 when one is started and not up; it goes on trying.",
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) { return act_on_all(context, arguments, start_one); }};
  return command;
}

const Command& stop_command() {
  static const Command command{
      .name = "stop",
      .synopsis = "NAME…",
      .summary = "stop tunnels; they stay installed",
      .description =
          "Returns when the supervisor and its ssh are gone. What starts at boot or login starts again then; "
          "holdfast remove ends that too.",
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) { return act_on_all(context, arguments, stop_one); }};
  return command;
}

const Command& restart_command() {
  static const Command command{
      .name = "restart",
      .synopsis = "[--keep-connection] NAME…",
      .summary = "stop and start tunnels, and wait until they are up",
      .description =
          "Takes over what was changed in a tunnel's file by hand, or a new version of this program.\n"
          "With --keep-connection ssh goes on under the new supervisor, and no session through the tunnel is dropped; "
          "where the file asks for another connection than that, or has a forward less, it connects anew and says so.",
      .options = {{"keep-connection", "", "let ssh go on under the new supervisor"}},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = [](Context& context, const Arguments& arguments) {
        return act_on_all(context, arguments, arguments.has("keep-connection") ? restart_keeping : restart_one);
      }};
  return command;
}

}  // namespace holdfast::cli
