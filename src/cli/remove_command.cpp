#include "cli/answers_json.hpp"
#include "cli/commands.hpp"
#include "cli/control.hpp"
#include "cli/name_lock.hpp"
#include "cli/ownership.hpp"
#include "cli/removal.hpp"
#include "cli/scope.hpp"
#include "cli/selection.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

Result<std::vector<TunnelName>> chosen(const Arguments& arguments, const os::Host& host, const store::Places& places) {
  const auto port = arguments.one("port");
  const bool all = arguments.has("all");
  const bool names = !arguments.operands().empty();
  if (static_cast<int>(port.has_value()) + static_cast<int>(all) + static_cast<int>(names) != 1)
    return usage_error("what to remove", "it takes names, or -p PORT, or --all, and one of them",
                       "holdfast status lists the tunnels");
  if (names) return named_tunnels(arguments.operands(), host, places);
  auto entries = store::load_all(host, places);
  if (!port)
    for (auto& left : store::left_here(host, places)) entries.push_back(std::move(left));
  if (port) {
    HOLDFAST_TRY(entries, on_port(*port, std::move(entries)));
    if (entries.size() > 1)
      return usage_error("option --port " + *port,
                         fmt::format("{} tunnels listen on it: {}, {}{}", entries.size(), entries[0].name.text(),
                                     entries[1].name.text(), entries.size() > 2 ? ", …" : ""),
                         "remove one by its name");
  }
  std::vector<TunnelName> chosen_names;
  chosen_names.reserve(entries.size());
  for (auto& entry : entries) {
    // What belongs to another host is removed there; asked for by name or port, it is refused.
    if (port || !entry.tunnel || !is_elsewhere(*entry.tunnel, host)) chosen_names.push_back(std::move(entry.name));
  }
  return chosen_names;
}

/// `report` gets a line for each thing that is gone, also where the rest could not be removed.
Result<> remove_one(const TunnelName& name, const store::Places& places, os::Host& host,
                    std::vector<std::string>& report) {
  HOLDFAST_TRY(const auto lock, NameLock::take(name, places, host));
  const store::Entry entry{name, store::load(host, places, name)};
  if (!entry.tunnel && !store::is_known(host, places, name)) return entry.tunnel.error();
  if (entry.tunnel && is_elsewhere(*entry.tunnel, host)) {
    auto why = explain_elsewhere(*entry.tunnel, host);
    if (!is_renamed(*entry.tunnel, host))
      why.hint = fmt::format("run it there; if {} is gone for good: rm {}", (*entry.tunnel)->host,
                             places.tunnel_file(name).string());
    return Error{"removing", "tunnel " + name.text(), std::move(why.message), std::move(why.hint)};
  }
  const auto holders = holders_of(entry, places, host);
  HOLDFAST_TRY(const auto stopped, stop_holders(holders, host));
  for (const auto pid : stopped.supervisors) report.push_back(fmt::format("stopped supervisor {}", pid));
  if (stopped.ssh) report.emplace_back("stopped its ssh");
  return remove_installation(name, holders, places, host, report);
}

Result<ExitStatus> remove_tunnels(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto places, choose_places(arguments, context.host));
  HOLDFAST_TRY(const auto names, chosen(arguments, context.host, places));
  auto& terminal = context.terminal;
  const bool json = arguments.has("json");
  if (names.empty()) terminal.note("there are no tunnels to remove");
  std::vector<Removed> all;
  std::optional<Error> failure;
  for (const auto& name : names) {
    auto& [told, report] = all.emplace_back(Removed{name.text(), {}});
    const auto removed = remove_one(name, places, context.host, report);
    if (!json && (removed || !report.empty())) {
      terminal.answer(fmt::format("tunnel {}{}", told, removed ? " is removed:" : ":"));
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
                               .summary = "stop a tunnel, uninstall it, delete all that belongs to it",
                               .description =
                                   "Says exactly what it removed. Linger goes off only if setup turned it on and "
                                   "nothing else of yours needs it.\n"
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
