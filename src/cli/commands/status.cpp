#include "backends/backend.hpp"
#include "backends/text/login_hook_text.hpp"
#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/output/recommendation.hpp"
#include "cli/output/status_output.hpp"
#include "cli/output/watch.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "os/read_only_host.hpp"
#include "store/tunnels_directory.hpp"
#include "tunnels/import/legacy_search.hpp"
#include "tunnels/selection.hpp"
#include "tunnels/survival_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::cli {
namespace {

constexpr std::size_t k_transitions_shown = 10;

class Status {
 public:
  Status(Context& context, const Arguments& arguments, const store::Paths& paths)
      : context_(context), arguments_(arguments), paths_(paths), reader_(paths, context.host) {}

  /// Reads everything again, backends and the list of tunnels included.
  Result<> read() {
    HOLDFAST_TRY(const auto entries, selected());
    warnings_.clear();
    statuses_ = reader_.read(entries, warnings_);
    if (!is_selection()) warn_of_interrupted_imports();
    names_ = store::tunnel_names(context_.host, paths_);
    supervisors_ = supervisors();
    if (is_selection()) find_uptime_summary();
    if (shows_one() && !arguments_.has("json")) {
      if (!stronger_) stronger_ = find_stronger(statuses_.front());  // slow, so only once
      statuses_.front().stronger = *stronger_;
      find_hook(statuses_.front());
    }
    return {};
  }

  /// Reads the live state again, which is cheap.
  void refresh() { reader_.refresh(statuses_); }

  /// Something that refresh() cannot see has changed since read(): a supervisor or the list of tunnels.
  [[nodiscard]] bool is_outdated() const {
    return supervisors() != supervisors_ || store::tunnel_names(context_.host, paths_) != names_;
  }

  [[nodiscard]] ExitStatus exit_status() const {
    // Without names, a tunnel that runs on another host does not count.
    const bool all_up = std::ranges::all_of(statuses_, [&](const tunnels::TunnelStatus& status) {
      return status.is_up() ||
             (((status.elsewhere && !status.renamed) || status.is_well_standing_by()) && !is_selection());
    });
    return all_up ? ExitStatus::done : ExitStatus::not_up;
  }

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  /// Empty without tunnels; with --json an empty list.
  [[nodiscard]] std::string text() const {
    if (arguments_.has("json")) return status_json(statuses_);
    const auto drawing = context_.terminal.drawing();
    const auto now = context_.host.wall_now();
    if (statuses_.empty()) return {};
    if (!shows_one()) return status_table(statuses_, now, drawing);
    const auto name = TunnelName::parse(statuses_.front().name);
    const auto transitions = name ? store::History::read(paths_.state_file(*name, "history"), k_transitions_shown)
                                  : std::vector<store::Transition>();
    return status_detail(statuses_.front(), transitions, now, drawing);
  }

  /// "3 tunnels: 2 up, 1 waiting"
  [[nodiscard]] std::string summary() const {
    std::map<std::string_view, std::size_t> states;
    for (const auto& status : statuses_)
      ++states[status.state ? store::to_text(*status.state) : status.elsewhere ? "elsewhere" : "unknown"];
    std::string out = fmt::format("{} tunnel{}", statuses_.size(), statuses_.size() == 1 ? "" : "s");
    std::string_view separator = ": ";
    for (const auto& [state, count] : states)
      out += fmt::format("{}{} {}", std::exchange(separator, ", "), count, state);
    return out;
  }

  /// Differs after each change. Round trips and the passing of time are no changes.
  [[nodiscard]] std::string fingerprint() const {
    auto statuses = statuses_;
    for (auto& status : statuses) {
      status.rtt_ms.reset();
      status.uptime_summary.reset();
    }
    return status_json(statuses);
  }

 private:
  [[nodiscard]] bool is_selection() const { return !arguments_.operands().empty() || arguments_.has("port"); }

  Result<std::vector<store::Entry>> selected() {
    if (const auto port = arguments_.one("port")) {
      if (!arguments_.operands().empty()) return usage_error("option --port", "it cannot be combined with a name");
      return tunnels::on_port(*port, store::load_all(context_.host, paths_), context_.host, paths_);
    }
    if (arguments_.operands().empty()) {
      auto entries = store::load_all(context_.host, paths_);
      for (auto& left : store::orphaned_installations(context_.host, paths_)) entries.push_back(std::move(left));
      if (entries.empty()) HOLDFAST_CHECK(store::check_readable(context_.host, paths_));
      return entries;
    }
    HOLDFAST_TRY(const auto names, tunnels::named_tunnels(arguments_.operands(), context_.host, paths_));
    std::vector<store::Entry> entries;
    for (const auto& name : names) entries.push_back({name, store::load(context_.host, paths_, name)});
    for (auto& left : store::orphaned_installations(context_.host, paths_))
      if (const auto asked = std::ranges::find(entries, left.name, &store::Entry::name); asked != entries.end())
        *asked = std::move(left);
    return entries;
  }

  [[nodiscard]] bool shows_one() const { return statuses_.size() == 1 && is_selection(); }

  [[nodiscard]] std::vector<std::optional<pid_t>> supervisors() const {
    std::vector<std::optional<pid_t>> pids;
    for (const auto& status : statuses_) pids.push_back(status.supervisor.pid);
    return pids;
  }

  /// A backend that survives more. Bounded in time.
  [[nodiscard]] std::optional<tunnels::TunnelStatus::Stronger> find_stronger(
      const tunnels::TunnelStatus& status) const {
    const auto& now = status.backend.survives;
    if (status.elsewhere || !status.backend.name || !now || tunnels::survives_everything(*now)) return std::nullopt;
    const auto only = read_only_backends(context_.variables);
    if (!only) return std::nullopt;
    const auto ranked = backends::rank(paths_.scope, context_.host, *only);
    const auto* best = stronger_than(*now, *status.backend.name, ranked);
    if (best == nullptr) return std::nullopt;
    return tunnels::TunnelStatus::Stronger{std::string(best->backend->name()), best->fitness.survives};
  }

  /// For a tunnel that only the login hook restarts: the files that have the hook.
  void find_hook(tunnels::TunnelStatus& status) const {
    const auto& now = status.backend.survives;
    const auto* backend = status.backend.name ? backends::find_backend(*status.backend.name) : nullptr;
    if (status.elsewhere || !now || backend == nullptr || backend->restarts_job()) return;
    const bool restarts_at_login = now->crash.kind == Survival::Kind::at_login;
    if (!restarts_at_login && !backend->is_opt_in()) return;
    status.hook_files.emplace();
    for (const auto& file : backends::files_with_hook(paths_, context_.host))
      status.hook_files->push_back(file.string());
  }

  /// Lines of a crontab that are comments since an import, and not yet a tunnel.
  void warn_of_interrupted_imports() {
    const os::ReadOnlyHost host(context_.host, backends::k_timeout);
    const auto entries = tunnels::LegacySearch(paths_.scope, host).crontabs();
    if (!entries) return;
    for (const auto& entry : *entries)
      if (entry.interrupted)
        warnings_.push_back(fmt::format("the import of tunnel {} from {} did not end: holdfast import finishes it",
                                        entry.interrupted->text(), entry.where));
  }

  /// Only for named tunnels: reading all would be slow.
  void find_uptime_summary() {
    for (auto& status : statuses_) {
      const auto name = TunnelName::parse(status.name);
      if (name && (!status.elsewhere || status.renamed))
        status.uptime_summary = tunnels::uptime_summary_of(status, *name, paths_, context_.host.wall_now());
    }
  }

  Context& context_;
  const Arguments& arguments_;
  store::Paths paths_;
  tunnels::StatusReader reader_;
  std::vector<tunnels::TunnelStatus> statuses_;
  std::vector<std::string> warnings_;
  std::vector<TunnelName> names_;
  std::vector<std::optional<pid_t>> supervisors_;
  std::optional<std::optional<tunnels::TunnelStatus::Stronger>> stronger_;
};

Result<ExitStatus> watch_status(Context& context, Status& status, const std::string& no_tunnels, bool json) {
  auto& terminal = context.terminal;
  const bool in_place = terminal.redraws() && !json;
  const Watched watched{.read = [&] { return status.read(); },
                        .refresh = [&] { status.refresh(); },
                        .is_outdated = [&] { return status.is_outdated(); },
                        .text =
                            [&] {
                              auto text = status.text();
                              if (text.empty()) text = no_tunnels + "\n";
                              for (const auto& warning : status.warnings())
                                text += "warning: " + printable(warning) + "\n";
                              return json ? status.text() : text;
                            },
                        .heading =
                            [&] {
                              const auto drawing = terminal.drawing();
                              const auto end = time_text(context.host.wall_now(), drawing) + "  q quits";
                              return fmt::format("{}  {}  {}", paint(Style::bold, "holdfast", drawing.colour),
                                                 status.summary(), paint(Style::dim, end, drawing.colour));
                            },
                        .fingerprint = [&] { return status.fingerprint(); },
                        .status = [&] { return status.exit_status(); }};
  return watch(context, watched, in_place);
}

std::string no_tunnels_text(const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::system) return "no tunnels in the system scope; create one with holdfast setup";
  const auto system = store::paths(Scope::system, host);
  if (system && !store::tunnel_names(host, *system).empty())
    return "you have no tunnels, but the machine has: holdfast status --system";
  return "you have no tunnels; create one with holdfast setup";
}

Result<ExitStatus> show_status(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto paths, choose_paths_to_read(arguments, context.host));
  const auto no_tunnels = no_tunnels_text(paths, context.host);
  Status status(context, arguments, paths);
  if (arguments.has("watch")) return watch_status(context, status, no_tunnels, arguments.has("json"));
  HOLDFAST_CHECK(status.read());
  for (const auto& warning : status.warnings()) context.terminal.warn(warning);
  if (const auto text = status.text(); text.empty())
    context.terminal.note(no_tunnels);
  else
    context.terminal.answer(text);
  return status.exit_status();
}

}  // namespace

const Command& status_command() {
  static const Command command{
      .name = "status",
      .aliases = {"show-status"},
      .synopsis = "[NAME…] [-p PORT] [--json] [--watch]",
      .summary = "show whether tunnels are up, and why not",
      .description =
          "Without a name it prints a table of all tunnels; with a name, everything about that tunnel. A tunnel is up "
          "when a connection to its port on the bastion reached its target here.\n"
          "The exit status is 0 when all of them are up, 3 when one is not, and 4 when there is no such tunnel. "
          "Without a "
          "name, tunnels that run on another host do not count.",
      .options = {k_port_option,
                  {"json", "", "print JSON; unknown values are null"},
                  {"watch,w", "",
                   "keep showing changes: on a terminal in place, until q; elsewhere as a new table or JSON line for "
                   "each change"}},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = show_status};
  return command;
}

}  // namespace holdfast::cli
