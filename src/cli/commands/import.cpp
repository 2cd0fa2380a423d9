#include "tunnels/import/import.hpp"

#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/interruption.hpp"
#include "cli/output/terminal_observer.hpp"
#include "cli/scope.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "tunnels/import/legacy_search.hpp"

#include <boost/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace holdfast::cli {

namespace json = boost::json;
namespace {

using tunnels::Imported;
using Outcome = Imported::Outcome;

Result<tunnels::ImportRequest> read_request(const Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto paths, choose_paths(arguments, context.host));
  tunnels::ImportRequest request{.paths = std::move(paths),
                                 .sources = arguments.operands(),
                                 .crontab = arguments.has("crontab"),
                                 .name = arguments.one("name"),
                                 .run_as = arguments.one("run-as"),
                                 .accept_new_host_key = arguments.has("accept-new-host-key"),
                                 .dry_run = arguments.has("dry-run")};
  HOLDFAST_TRY(request.backend, read_backend(arguments, request.paths.scope));
  HOLDFAST_TRY(request.only_backends, read_only_backends(context.variables));
  return request;
}

void print_result(const Imported& result, Terminal& terminal) {
  const auto source = printable(result.source.where);
  if (result.error) {
    terminal.error(*result.error);
    if (result.outcome == Outcome::refused) terminal.note(source + " is unchanged");
    return;
  }
  const bool planned = result.outcome == Outcome::planned;
  terminal.answer(
      fmt::format("{} {} tunnel {}{}", source, planned ? "would become" : "is now", *result.name, planned ? ":" : ""));
  for (const auto& note : result.notes) planned ? terminal.answer(note) : terminal.note("  " + note);
}

std::string imports_json(const std::vector<Imported>& results) {
  json::array array;
  for (const auto& result : results) {
    json::object object{{"source", json_text(result.source.where)},
                        {"kind", json_text(to_text(result.source.kind))},
                        {"outcome", json_text(to_text(result.outcome))},
                        {"name", text_or_null(result.name)},
                        {"bastion", nullptr},
                        {"notes", json_array(result.notes)},
                        {"message", nullptr},
                        {"hint", nullptr}};
    if (result.source.command) object["bastion"] = json_text((*result.source.command).bastion.text());
    if (result.error) {
      object["message"] = json_text(result.error->line());
      object["hint"] = text_or_null(result.error->hint);
    }
    array.push_back(std::move(object));
  }
  return json::serialize(json::object{{"imports", std::move(array)}});
}

Result<ExitStatus> import_tunnels(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto request, read_request(context, arguments));
  std::signal(SIGHUP, SIG_IGN);  // the user's terminal may be a login through the tunnel that is replaced
  const Interruption guard;
  TerminalObserver observer(context.terminal);
  const auto scope = request.paths.scope;
  tunnels::Import import(context.host, observer, std::move(request));
  HOLDFAST_TRY(auto entries, import.find());
  if (arguments.has("name") && entries.size() != 1)
    return usage_error("option --name", fmt::format("there are {} tunnels to import", entries.size()),
                       "name one unit or file");
  std::vector<Imported> results;
  for (auto& entry : entries) {
    results.push_back(import.replace(std::move(entry)));
    if (!arguments.has("json")) print_result(results.back(), context.terminal);
    HOLDFAST_CHECK(Interruption::check());
  }
  if (arguments.has("json")) context.terminal.answer(imports_json(results));
  if (std::ranges::any_of(results, [](const Imported& one) { return one.outcome == Outcome::planned; }))
    context.terminal.note("nothing was changed, and no bastion was checked: --dry-run");
  if (results.empty())
    context.terminal.note("nothing to import was found" +
                          tunnels::LegacySearch(scope, context.host).hint_at_system_scope());
  return std::ranges::all_of(results, &Imported::is_ok) ? ExitStatus::done : ExitStatus::failed;
}

}  // namespace

const Command& import_command() {
  static const Command command{
      .name = "import",
      .synopsis = "[UNIT… | FILE… | --crontab] [--dry-run]",
      .summary = "replace autossh tunnels by holdfast tunnels",
      .description =
          "Searches for scitex-tunnel's units (autossh-tunnel-*.service) and for lines that start autossh in your "
          "crontab and your shell's start-up files. As root it searches the machine's units, /etc/crontab, "
          "/etc/cron.d and root's crontab. It never executes what it reads.\n"
          "Each one becomes a holdfast tunnel. All checks run while the old tunnel is still up. Then import stops the "
          "old one, starts the new one, and verifies it end to end. If that fails or is interrupted, import restores "
          "the old tunnel: same bytes, enabled, running.\n"
          "After a success, import disables the old unit or turns the old lines into comments; it deletes nothing. It "
          "reports an entry that it doesn't understand and leaves it unchanged.\n"
          "The exit status is 1 when an import was refused or failed.",
      .options = {{"crontab", "", "search crontabs only"},
                  {"name,n", "NAME", "name of the tunnel, when only one is imported; default: its first port"},
                  {"backend", "NAME",
                   "the backend that keeps it running: auto (the most durable that works here), or its name", false,
                   Values::backend},
                  {"run-as", "USER",
                   "system scope: the ordinary user to run as; default: the user that the unit or line names"},
                  {"accept-new-host-key", "",
                   "store the bastion's host key if it is unknown, and show its fingerprint"},
                  {"dry-run", "", "print every file and command in full; change nothing, and do not contact a bastion"},
                  {"json", "", "print JSON; unknown values are null"}},
      .most_operands = k_any_number,
      .operands = Values::file,
      .run = import_tunnels};
  return command;
}

}  // namespace holdfast::cli
