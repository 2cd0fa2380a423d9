#include "backends/backend.hpp"
#include "backends/login_hook.hpp"
#include "cli/advice.hpp"
#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "cli/selection.hpp"
#include "cli/setup_request.hpp"
#include "cli/survives_words.hpp"
#include "cli/tunnel_status.hpp"

#include <algorithm>

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds k_watch_interval{2000};
constexpr std::size_t k_transitions_shown = 10;

/// What one look gave.
struct Look {
  std::string text;
  bool all_up = true;
};

class Status {
 public:
  Status(Context& context, const Arguments& arguments, store::Places places)
      : context_(context), arguments_(arguments), places_(std::move(places)) {}

  Result<Look> look() {
    HOLDFAST_TRY(const auto entries, asked_about());
    std::vector<std::string> warnings;
    auto statuses = gather_status(entries, places_, context_.host, warnings);
    for (const auto& warning : warnings) context_.terminal.warn(warning);
    Look look;
    // A tunnel that another host has, by right or by turns, is up there if anywhere: it counts only when it was named.
    look.all_up = std::ranges::all_of(statuses, [&](const TunnelStatus& status) {
      return status.is_up() ||
             (((status.elsewhere && !status.renamed) || status.is_well_standing_by()) && !names_one());
    });
    look.text = render(statuses);
    return look;
  }

 private:
  [[nodiscard]] bool names_one() const { return !arguments_.operands().empty() || arguments_.has("port"); }

  Result<std::vector<store::Entry>> asked_about() {
    if (const auto port = arguments_.one("port")) {
      if (!arguments_.operands().empty()) return usage_error("option --port", "it stands in place of a name");
      return on_port(*port, store::load_all(context_.host, places_));
    }
    if (arguments_.operands().empty()) {
      auto entries = store::load_all(context_.host, places_);
      for (auto& left : store::left_here(context_.host, places_)) entries.push_back(std::move(left));
      return entries;
    }
    HOLDFAST_TRY(const auto names, named_tunnels(arguments_.operands(), context_.host, places_));
    std::vector<store::Entry> entries;
    for (const auto& name : names) entries.push_back({name, store::load(context_.host, places_, name)});
    for (auto& left : store::left_here(context_.host, places_))
      if (const auto asked = std::ranges::find(entries, left.name, &store::Entry::name); asked != entries.end())
        *asked = std::move(left);
    return entries;
  }

  /// Bounded, and only where there is something to be gained.
  void find_stronger(TunnelStatus& status) const {
    const auto& now = status.backend.survives;
    if (status.elsewhere || !status.backend.name || !now || survives_everything(*now)) return;
    const auto only = read_only_backends(context_.variables);
    if (!only) return;
    const auto ranked = backends::rank(places_.scope, context_.host, *only);
    if (const auto* best = stronger_than(*now, *status.backend.name, ranked))
      status.stronger = TunnelStatus::Stronger{std::string(best->backend->name()), best->fitness.survives};
  }

  /// What starts it again at a login is named, and where it is.
  void find_hook(TunnelStatus& status) const {
    const auto& now = status.backend.survives;
    const auto* backend = status.backend.name ? backends::find_backend(*status.backend.name) : nullptr;
    if (status.elsewhere || !now || backend == nullptr || backend->starts_again_itself()) return;
    const bool waits = now->crash.kind == Survival::Kind::at_login;
    if (!waits && !backend->waits_to_be_named()) return;
    status.hook_files.emplace();
    for (const auto& file : backends::files_with_hook(places_, context_.host))
      status.hook_files->push_back(file.string());
  }

  /// Of all tunnels it would be too much to read, and too much to see.
  void find_past(std::vector<TunnelStatus>& statuses) const {
    for (auto& status : statuses) {
      const auto name = TunnelName::parse(status.name);
      if (name && (!status.elsewhere || status.renamed))
        status.past = past_of(status, *name, places_, context_.host.wall_now());
    }
  }

  std::string render(std::vector<TunnelStatus>& statuses) const {
    if (names_one()) find_past(statuses);
    if (arguments_.has("json")) return status_json(statuses);
    const bool colour = context_.terminal.colours_out();
    const auto now = context_.host.wall_now();
    if (statuses.size() == 1 && names_one()) {
      find_stronger(statuses.front());
      find_hook(statuses.front());
      const auto name = TunnelName::parse(statuses.front().name);
      const auto transitions = name ? store::History::read(places_.state_file(*name, "history"), k_transitions_shown)
                                    : std::vector<store::Transition>();
      return status_detail(statuses.front(), transitions, now, {colour, context_.terminal.speaks_utf8()});
    }
    if (statuses.empty()) return {};
    return status_table(statuses, now, colour);
  }

  Context& context_;
  const Arguments& arguments_;
  store::Places places_;
};

Result<ExitStatus> watch(Context& context, Status& status, const std::string& none, bool json) {
  std::string shown;
  for (;;) {
    HOLDFAST_TRY(auto look, status.look());
    if (look.text.empty()) look.text = none;
    const bool redraws = context.terminal.out_is_terminal() && !json;
    if (redraws)
      context.terminal.answer("\x1b[H\x1b[2J" + look.text);  // home, then clear: console_codes(4)
    else if (look.text != shown)
      context.terminal.answer(look.text);
    shown = look.text;
    if (!context.terminal.flush()) return ExitStatus::done;  // nobody reads any more
    context.host.sleep_for(k_watch_interval);
  }
}

Result<ExitStatus> show_status(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto places, choose_places(arguments, context.host));
  const std::string no_tunnels = places.scope == Scope::system
                                     ? "there are no tunnels in the system scope; holdfast setup makes one"
                                     : "you have no tunnels; holdfast setup makes one";
  Status status(context, arguments, std::move(places));
  if (arguments.has("watch")) return watch(context, status, no_tunnels, arguments.has("json"));
  HOLDFAST_TRY(const auto look, status.look());
  if (look.text.empty())
    context.terminal.note(no_tunnels);
  else
    context.terminal.answer(look.text);
  return look.all_up ? ExitStatus::done : ExitStatus::not_up;
}

}  // namespace

const Command& status_command() {
  static const Command command{
      .name = "status",
      .aliases = {"show-status"},
      .synopsis = "[NAME…] [-p PORT] [--json] [--watch]",
      .summary = "show whether tunnels are up, and if not why",
      .description =
          "Without a name: a table of all. With one: everything about it. \"up\" means that the bastion's "
          "port was seen to lead here, end to end.\n"
          "The exit status is 0 when everything asked about is up, 3 when something is not, 4 when there is "
          "no such tunnel. What another host has, and what stands by for it, counts only when it was named.",
      .options = {k_port_option,
                  {"json", "", "print JSON; unknown values are null"},
                  {"watch,w", "", "look again every two seconds, until interrupted"}},
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = show_status};
  return command;
}

}  // namespace holdfast::cli
