#include "backends/host/crontab.hpp"
#include "backends/host/systemctl.hpp"
#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/interruption.hpp"
#include "cli/output/terminal_observer.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/import/legacy_tunnel.hpp"
#include "tunnels/import/successor.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/scope.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <functional>

namespace holdfast::cli {
namespace {

constexpr std::size_t k_largest_file = 1 << 20;
constexpr std::chrono::seconds k_crontab{10};
const fs::path k_machine_units = "/etc/systemd/system";
const fs::path k_system_crontab = "/etc/crontab";
const fs::path k_cron_directory = "/etc/cron.d";

/// Debian's cron passes over other names: cron(8). One that is read elsewhere can be imported by its path.
bool is_read_by_cron(std::string_view name) {
  constexpr auto k_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.find_first_not_of(k_characters) == std::string_view::npos;
}

/// What came of one source.
struct Imported {
  tunnels::LegacyEntry source;
  std::string outcome;  ///< "imported", "planned", "refused", "failed"
  std::optional<std::string> name = {};
  std::optional<Error> error = {};
  std::vector<std::string> notes = {};
};

class Import {
 public:
  Import(Context& context, const Arguments& arguments, store::Paths paths)
      : context_(context), host_(context.host), arguments_(arguments), paths_(std::move(paths)) {}

  Result<ExitStatus> run() {
    HOLDFAST_TRY(auto sources, find());
    if (arguments_.has("name") && sources.size() != 1)
      return usage_error("option --name", fmt::format("there are {} tunnels to import", sources.size()),
                         "name one unit or file");
    std::vector<Imported> results;
    for (auto& source : sources) {
      results.push_back(take(std::move(source)));
      if (!is_json()) tell(results.back());
      HOLDFAST_CHECK(Interruption::check());
    }
    if (is_json()) context_.terminal.answer(json_of(results));
    if (results.empty()) context_.terminal.note("nothing to import was found" + elsewhere());
    const bool all = std::ranges::all_of(
        results, [](const Imported& one) { return one.outcome == "imported" || one.outcome == "planned"; });
    return all ? ExitStatus::done : ExitStatus::failed;
  }

 private:
  [[nodiscard]] bool is_json() const { return arguments_.has("json"); }
  [[nodiscard]] bool is_system() const { return paths_.scope == Scope::system; }
  [[nodiscard]] fs::path units() const { return is_system() ? k_machine_units : backends::user_unit_directory(host_); }

  // --- finding

  Result<std::vector<tunnels::LegacyEntry>> find() {
    std::vector<tunnels::LegacyEntry> sources;
    const auto add = [&](std::vector<tunnels::LegacyEntry> more) {
      for (auto& one : more) sources.push_back(std::move(one));
    };
    const bool everything = arguments_.operands().empty() && !arguments_.has("crontab");
    for (const auto& operand : arguments_.operands()) {
      HOLDFAST_TRY(auto more, find_operand(operand));
      add(std::move(more));
    }
    if (everything)
      for (const auto& name : host_.list(units()))
        if (name.starts_with("autossh-tunnel-") && name.ends_with(".service")) {
          HOLDFAST_TRY(auto unit, find_unit(name));
          sources.push_back(std::move(unit));
        }
    if (is_system()) {
      if (everything || arguments_.has("crontab")) {
        add(roots_crontab());
        add(system_crontabs());
      }
      return sources;
    }
    if (arguments_.has("crontab") || (everything && host_.find_program("crontab"))) {
      auto answer = backends::read_crontab(host_, k_crontab);
      if (!answer && arguments_.has("crontab")) return std::move(answer).error();
      if (answer && answer->text) add(tunnels::read_crontab_lines(*answer->text, host_.user().home.string()));
    }
    if (everything)
      for (const char* name : {".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile"})
        if (auto text = host_.read_file(host_.user().home / name, k_largest_file))
          add(tunnels::read_shell_lines(host_.user().home / name, *text, host_.user().home.string()));
    return sources;
  }

  Result<std::vector<tunnels::LegacyEntry>> find_operand(const std::string& operand) {
    std::vector<tunnels::LegacyEntry> found;
    if (operand.find('/') == std::string::npos) {
      auto name = operand.ends_with(".service") ? operand : operand + ".service";
      HOLDFAST_TRY(auto unit, find_unit(name));
      found.push_back(std::move(unit));
      return found;
    }
    const fs::path file = fs::path(operand).is_absolute() ? fs::path(operand) : host_.working_directory() / operand;
    const bool is_cron_s = file == k_system_crontab || file.parent_path() == k_cron_directory;
    if (is_system() != is_cron_s)
      return usage_error(
          "\"" + operand + "\"", is_system() ? "a start-up file is a user's" : "it is root's",
          is_system() ? "name a unit, /etc/crontab or a file of /etc/cron.d" : "sudo holdfast import " + operand);
    HOLDFAST_TRY(const auto text, host_.read_file(file, k_largest_file));
    found = is_cron_s ? tunnels::read_system_crontab_lines(file, text, home_of())
                      : tunnels::read_shell_lines(file, text, host_.user().home.string());
    if (found.empty()) return Error{"importing", file.string(), "it starts no autossh"};
    return found;
  }

  Result<tunnels::LegacyEntry> find_unit(const std::string& name) {
    const auto file = units() / name;
    HOLDFAST_TRY(const auto text, host_.read_file(file, k_largest_file));
    auto source = tunnels::read_unit(name, file, text, is_system() ? "/root" : host_.user().home.string());
    if (!host_.list(file.string() + ".d").empty())
      source.command = Error{"taking over", name, "it has drop-ins in " + file.string() + ".d"};
    return source;
  }

  /// Lines that name nobody, and run as root.
  [[nodiscard]] std::vector<tunnels::LegacyEntry> roots_crontab() const {
    if (host_.user().uid != 0 || !host_.find_program("crontab")) return {};
    const auto answer = backends::read_crontab(host_, k_crontab);
    if (!answer || !answer->text) return {};
    auto sources = tunnels::read_crontab_lines(*answer->text, host_.user().home.string());
    for (auto& source : sources) source.user = "root";
    return sources;
  }

  [[nodiscard]] std::vector<tunnels::LegacyEntry> system_crontabs() const {
    std::vector<fs::path> files{k_system_crontab};
    for (const auto& name : host_.list(k_cron_directory))
      if (is_read_by_cron(name)) files.push_back(k_cron_directory / name);
    std::vector<tunnels::LegacyEntry> sources;
    for (const auto& file : files)
      if (const auto text = host_.read_file(file, k_largest_file))
        for (auto& one : tunnels::read_system_crontab_lines(file, *text, home_of())) sources.push_back(std::move(one));
    return sources;
  }

  [[nodiscard]] std::function<Result<std::string>(const std::string&)> home_of() const {
    return [this](const std::string& name) -> Result<std::string> {
      HOLDFAST_TRY(const auto user, host_.find_user(name));
      return user.home.string();
    };
  }

  [[nodiscard]] std::string elsewhere() const {
    if (is_system()) return "";
    for (const auto& name : host_.list(k_machine_units))
      if (name.starts_with("autossh-tunnel-")) return "; " + name + " is root's: sudo holdfast import";
    if (const auto lines = system_crontabs(); !lines.empty())
      return "; " + printable(lines.front().where) + " is root's: sudo holdfast import";
    return "";
  }

  // --- taking over

  Imported take(tunnels::LegacyEntry source) {
    Imported result{std::move(source), "refused"};
    const auto refused = [&](Error why) {
      result.error = std::move(why);
      return result;
    };
    if (!result.source.command) return refused(result.source.command.error());
    auto request = request_for(result.source);
    if (!request) return refused(std::move(request).error());
    result.notes = (*result.source.command).notes;
    result.name = request->name.text();
    // A line of the crontab and one of a start-up file often start the same tunnel.
    const bool there = store::is_known(host_, paths_, request->name);
    if (there)
      if (auto proof = tunnels::check_successor(result.source, request->name, paths_, host_); !proof)
        return refused(std::move(proof).error());
    const auto owner =
        is_system() && result.source.user ? host_.find_user(*result.source.user) : Result<os::User>(host_.user());
    if (!owner) return refused(owner.error());
    const auto previous = tunnels::make_legacy_tunnel(result.source, request->name, paths_.scope, *owner, host_);
    auto done = there                       ? retire_duplicate(result, *request, *previous)
                : arguments_.has("dry-run") ? plan(result, std::move(*request), *previous)
                                            : replace(result, std::move(*request), *previous);
    if (!done) {
      result.outcome = "failed";
      result.error = std::move(done).error();
    }
    return result;
  }

  Result<tunnels::SetupRequest> request_for(const tunnels::LegacyEntry& source) {
    const auto& command = *source.command;
    HOLDFAST_TRY(auto name, TunnelName::parse(arguments_.one("name").value_or(command.forwards.front().short_text())));
    tunnels::SetupRequest request{
        name, command.bastion, command.forwards, {}, command.ssh_options, "auto", {}, {}, paths_, {}};
    HOLDFAST_TRY(request.run_as, run_as(source));
    if (command.identity) {
      HOLDFAST_TRY(request.identity, resolve_identity(*command.identity, request.run_as.home, "/"));
      if (!command.identity->starts_with('/') && !command.identity->starts_with("~/"))
        return Error{"importing", source.where, "its key " + *command.identity + " is no absolute path"};
    }
    HOLDFAST_TRY(request.backend, read_backend(arguments_, paths_.scope));
    HOLDFAST_TRY(request.only_backends, read_only_backends(context_.variables));
    request.accept_new_host_key = arguments_.has("accept-new-host-key");
    request.held = command.forwards;
    return request;
  }

  Result<os::User> run_as(const tunnels::LegacyEntry& source) {
    const auto given = arguments_.one("run-as");
    if (!is_system()) {
      if (given) return usage_error("option --run-as", "only a tunnel of the system scope runs as another user");
      return host_.user();
    }
    if (host_.user().uid != 0)
      return Error{"importing", source.where, "only root can", "sudo holdfast import " + source.where};
    const auto name = given.value_or(source.user.value_or(""));
    if (name.empty() || (name == "root" && !given))
      return Error{"importing", source.where, "it runs as root, and a tunnel need not",
                   "add --run-as USER, who must be able to read the key"};
    return host_.find_user(name);
  }

  /// The tunnel exists already and is verified: what else starts its old form must not. This is checked again while the
  /// name is locked, so that no other command stops the tunnel, and once the old one has ended.
  Result<> retire_duplicate(Imported& result, const tunnels::SetupRequest& request, tunnels::LegacyTunnel& previous) {
    result.notes.push_back("tunnel " + request.name.text() + " is there already");
    if (arguments_.has("dry-run")) {
      result.outcome = "planned";
      for (auto& line : previous.plan()) result.notes.push_back(std::move(line));
      return {};
    }
    const auto check = [&] { return tunnels::check_successor(result.source, request.name, paths_, host_); };
    HOLDFAST_TRY(const auto lock, tunnels::NameLock::take(request.name, paths_, host_));
    HOLDFAST_CHECK(check());
    auto done = previous.let_go();
    if (done) done = check();
    if (done) done = previous.retire();
    if (!done) return restored(std::move(done).error(), result.source.where, previous);
    result.outcome = "imported";
    return {};
  }

  Result<> plan(Imported& result, tunnels::SetupRequest request, const tunnels::LegacyTunnel& previous) {
    TerminalObserver observer(context_.terminal);
    HOLDFAST_TRY(const auto steps, tunnels::preview_setup(request, host_, observer));
    auto lines = previous.plan();
    lines.insert(lines.end(), steps.begin(), steps.end());
    result.outcome = "planned";
    result.notes.insert(result.notes.end(), lines.begin(), lines.end());
    return {};
  }

  Result<> replace(Imported& result, tunnels::SetupRequest request, tunnels::LegacyTunnel& previous) {
    bool asked_to_let_go = false;
    request.take_over = [&]() -> Result<> {
      asked_to_let_go = true;
      HOLDFAST_CHECK(previous.let_go());
      context_.terminal.step_done(result.source.where + " has let go", "");
      return {};
    };
    TerminalObserver observer(context_.terminal);
    auto done = tunnels::run_setup(request, host_, observer);
    Result<> kept;
    if (done) kept = previous.retire();
    if (done && kept) {
      result.outcome = "imported";
      result.notes.push_back(fmt::format("back again: holdfast remove{} {}, then {}",
                                         tunnels::scope_words(paths_.scope, host_), *result.name, previous.way_back()));
      return {};
    }
    const bool is_up = done.has_value();  // and only the last step, that the old one stays away, has failed
    auto error = is_up ? std::move(kept).error() : std::move(done).error();
    return is_up || !asked_to_let_go ? error : restored(std::move(error), result.source.where, previous);
  }

  /// Puts the old one back; the error then says what could not be.
  Error restored(Error error, const std::string& where, tunnels::LegacyTunnel& previous) {
    const auto left = previous.restore();
    if (left.empty()) context_.terminal.note(where + " is as it was before");
    for (const auto& line : left) error.cause += "; and " + where + " is not as before: " + line;
    return error;
  }

  // --- telling

  void tell(const Imported& result) {
    auto& terminal = context_.terminal;
    const auto what = printable(result.source.where);
    if (result.error) {
      terminal.error(*result.error);
      if (result.outcome == "refused") terminal.note(fmt::format("{} stays as it is", what));
      return;
    }
    terminal.answer(result.outcome == "planned" ? fmt::format("{} would become tunnel {}:", what, *result.name)
                                                : fmt::format("{} is now tunnel {}", what, *result.name));
    for (const auto& note : result.notes)
      result.outcome == "planned" ? terminal.answer(note) : terminal.note("  " + note);
  }

  [[nodiscard]] static std::string json_of(const std::vector<Imported>& results) {
    namespace json = boost::json;
    const auto text = [](std::string_view bytes) { return json::string(printable(bytes)); };
    const auto or_null = [&](const std::optional<std::string>& value) {
      return value ? json::value(text(*value)) : json::value(nullptr);
    };
    json::array array;
    for (const auto& result : results) {
      json::array notes;
      for (const auto& note : result.notes) notes.push_back(text(note));
      json::object object{{"source", text(result.source.where)},
                          {"kind", text(to_text(result.source.kind))},
                          {"outcome", text(result.outcome)},
                          {"name", or_null(result.name)},
                          {"bastion", nullptr},
                          {"notes", std::move(notes)},
                          {"message", nullptr},
                          {"hint", nullptr}};
      if (result.source.command) object["bastion"] = text((*result.source.command).bastion.text());
      if (result.error) {
        object["message"] = text(result.error->line());
        object["hint"] = result.error->hint.empty() ? json::value(nullptr) : json::value(text(result.error->hint));
      }
      array.push_back(std::move(object));
    }
    return json::serialize(json::object{{"imports", std::move(array)}});
  }

  Context& context_;
  os::Host& host_;
  const Arguments& arguments_;
  store::Paths paths_;
};

Result<ExitStatus> import_tunnels(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(auto paths, choose_paths(arguments, context.host));
  const Interruption guard;
  return Import(context, arguments, std::move(paths)).run();
}

}  // namespace

const Command& import_command() {
  static const Command command{
      .name = "import",
      .synopsis = "[UNIT… | FILE… | --crontab] [--dry-run]",
      .summary = "take over autossh tunnels of units, crontab and start-up files",
      .description =
          "Finds autossh-tunnel-*.service units (scitex-tunnel's), lines of your crontab and of your shell's start-up "
          "files that start autossh (as root: the machine's units, /etc/crontab, /etc/cron.d and root's crontab), or "
          "takes those that are named; understands them "
          "without running anything, and makes each a tunnel. Everything is checked while the old one still runs; then "
          "it lets go, the new one takes over, and is seen to work end to end. When that fails, or is interrupted, the "
          "old one is as it was before: running, enabled, byte for byte.\n"
          "What was imported is disabled and not deleted: a unit stays, its lines become comments. What is not "
          "understood is named, and stays as it is.\n"
          "The exit status is 1 when something was refused or failed.",
      .options = {{"crontab", "", "the lines of your crontab alone; as root of /etc/crontab and /etc/cron.d too"},
                  {"name,n", "NAME", "how the one tunnel is called; the first port without it"},
                  {"backend", "NAME", "what keeps it running: auto (the strongest that works here), or one by name",
                   false, Values::backend},
                  {"run-as", "USER",
                   "system scope: the ordinary user it runs as; who the unit or line names without it"},
                  {"accept-new-host-key", "", "pin the bastion's host key if it is unknown, showing its fingerprint"},
                  {"dry-run", "", "print every file and command in full, and change nothing"},
                  {"json", "", "print JSON; unknown values are null"}},
      .most_operands = k_any_number,
      .operands = Values::file,
      .run = import_tunnels};
  return command;
}

}  // namespace holdfast::cli
