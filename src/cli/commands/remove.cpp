#include "cli/commands.hpp"
#include "cli/interruption.hpp"
#include "cli/output/answers_json.hpp"
#include "cli/scope.hpp"
#include "store/tunnels_directory.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/selection.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

Result<std::vector<TunnelName>> chosen(const Arguments& arguments, const os::Host& host, const store::Paths& paths) {
  const auto port = arguments.one("port");
  const bool all = arguments.has("all");
  const bool names = !arguments.operands().empty();
  if (static_cast<int>(port.has_value()) + static_cast<int>(all) + static_cast<int>(names) != 1)
    return usage_error("the command line", "give tunnel names, -p PORT or --all", "holdfast status lists the tunnels");
  if (names) return tunnels::named_tunnels(arguments.operands(), host, paths);
  HOLDFAST_CHECK(store::check_readable(host, paths));
  auto entries = store::load_all(host, paths);
  if (!port)
    for (auto& left : store::orphaned_installations(host, paths)) entries.push_back(std::move(left));
  if (port) {
    HOLDFAST_TRY(entries, tunnels::on_port(*port, std::move(entries), host, paths));
    if (entries.size() > 1)
      return usage_error("option --port " + *port,
                         fmt::format("{} tunnels listen on it: {}, {}{}", entries.size(), entries[0].name.text(),
                                     entries[1].name.text(), entries.size() > 2 ? ", …" : ""),
                         "remove one by name");
  }
  std::vector<TunnelName> chosen_names;
  chosen_names.reserve(entries.size());
  for (auto& entry : entries) {
    // --all skips tunnels of other hosts. One selected by port is refused later.
    if (port || !entry.tunnel || !tunnels::is_elsewhere(*entry.tunnel, host))
      chosen_names.push_back(std::move(entry.name));
  }
  return chosen_names;
}

Result<ExitStatus> remove_tunnels(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, context.host));
  HOLDFAST_TRY(const auto names, chosen(arguments, context.host, paths));
  auto& terminal = context.terminal;
  const bool json = arguments.has("json");
  if (names.empty()) terminal.note("there are no tunnels to remove");
  std::vector<Removed> all;
  std::optional<Error> failure;
  const Interruption guard;  // a removal is never left half done
  for (const auto& name : names) {
    if (const auto uninterrupted = Interruption::check(); !uninterrupted) {
      terminal.error(uninterrupted.error());
      failure = uninterrupted.error();
      break;
    }
    auto& [removed_name, report] = all.emplace_back(Removed{name.text(), {}});
    const auto removed = tunnels::remove_tunnel(name, paths, context.host, report);
    if (!json && (removed || !report.empty())) {
      terminal.answer(fmt::format("tunnel {}{}", removed_name, removed ? " is removed:" : ":"));
      for (const auto& line : report) terminal.answer("  " + line);
    }
    if (removed) continue;
    terminal.error(removed.error());
    failure = removed.error();
  }
  if (json) terminal.answer(removal_json(all, failure));
  return failure ? failure->status : ExitStatus::done;
}

}  // namespace

const Command& remove_command() {
  static const Command command{.name = "remove",
                               .aliases = {"remove-tunnel"},
                               .synopsis = "NAME… | -p PORT | --all [--json]",
                               .summary = "stop, uninstall and delete a tunnel",
                               .description =
                                   "It prints everything that it removed. It turns linger off only if setup turned it "
                                   "on and no other unit of yours needs it.\n"
                                   "The exit status is 4 when there is no such tunnel.",
                               .options = {k_port_option,
                                           {"all", "", "every tunnel of the scope"},
                                           {"json", "", "print JSON: what was removed, and \"error\" or null"}},
                               .most_operands = k_any_number,
                               .operands = Values::tunnel,
                               .run = remove_tunnels};
  return command;
}

}  // namespace holdfast::cli
