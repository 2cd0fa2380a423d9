#include "backends/host/installed_unit.hpp"

#include "backends/host/program_access.hpp"
#include "backends/text/installed_text.hpp"
#include "backends/text/unit.hpp"
#include "core/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_query_deadline{5000};

// Both depend on the login that ran setup.
bool depends_on_login(std::string_view line) {
  return line.starts_with("Environment=") || line.starts_with("RequiresMountsFor=");
}

std::string comparable(std::string_view unit_text) {
  std::string kept;
  for (const auto& line : split(unit_text, '\n'))
    if (!depends_on_login(line)) kept += line + '\n';
  return kept;
}

std::string with_single_percents(std::string text) {
  for (auto at = text.find("%%"); at != std::string::npos; at = text.find("%%", at + 1)) text.erase(at, 1);
  return text;
}

/// The program that the unit's text starts. Empty when the text is not what setup writes.
std::optional<std::string> program_of(std::string_view unit_text, Job job, const std::string& template_name,
                                      const os::Host& host) {
  job.argv.front() = k_any_program;
  const auto expected = render_unit(job, template_name, host);
  if (!expected) return std::nullopt;
  auto found = text_at_mark(comparable(unit_text), comparable(*expected), k_any_program);
  return found ? std::optional(with_single_percents(std::move(*found))) : std::nullopt;
}

/// The program in ExecStart= of `systemctl show`; empty when it does not run the job.
std::optional<std::string> program_run(const std::string& exec_start, const Job& job) {
  constexpr std::string_view k_path = "{ path=";
  const auto end = exec_start.find(" ; ");
  if (!exec_start.starts_with(k_path) || end == std::string::npos) return std::nullopt;
  auto argv = job.argv;
  argv.front() = exec_start.substr(k_path.size(), end - k_path.size());
  const bool ours =
      exec_start.starts_with(fmt::format("{}{} ; argv[]={} ; ", k_path, argv.front(), fmt::join(argv, " ")));
  return ours ? std::optional(argv.front()) : std::nullopt;
}

class UnitCheck {
 public:
  UnitCheck(const UnitPlace& place, const Job& job, const UnitProperties* unit, const os::Host& host)
      : place_(place), job_(job), unit_(unit), host_(host), file_(place.directory / unit_name(job.name)) {}

  Registration run() {
    answer_.installed = host_.status(file_).kind != os::FileKind::missing;
    if (unit_ != nullptr) {
      answer_.restarting = unit_->sub.starts_with("auto-restart");
      answer_.running = unit_->active == "active" || unit_->active == "activating" || unit_->active == "reloading";
    }
    if (!answer_.installed) {
      add_broken(fmt::format("its unit file {} is missing", file_.string()));
      return std::move(answer_);
    }
    if (is_masked()) {
      add_broken("its unit is masked");
      return std::move(answer_);
    }
    check_text();
    if (is_masked_until_boot())
      add_masked_until_boot();
    else if (unit_ != nullptr)
      check_loaded();
    check_enabled();
    check_access();
    return std::move(answer_);
  }

 private:
  void add_broken(std::string problem) {
    answer_.problems.push_back(std::move(problem));
    answer_.restarts = answer_.starts = false;
  }

  [[nodiscard]] bool is_masked() const { return unit_ != nullptr && unit_->file_state == "masked"; }
  /// The mask is in /run.
  [[nodiscard]] bool is_masked_until_boot() const { return unit_ != nullptr && unit_->file_state == "masked-runtime"; }

  void add_masked_until_boot() {
    answer_.problems.emplace_back("its unit is masked until the next boot");
    answer_.restarts = false;
  }

  void check_text() {
    const auto text = host_.read_file(file_);
    const auto program = text ? program_of(*text, job_, place_.template_name, host_) : std::nullopt;
    if (program)
      answer_.program = *program;
    else
      answer_.problems.push_back(fmt::format("its unit file {} differs from what setup writes", file_.string()));
  }

  void check_loaded() {
    if (unit_->load == "not-found") return add_broken("systemd has not found its unit file yet");
    if (unit_->load != "loaded") return add_broken("systemd cannot load its unit: " + unit_->load);
    const auto program = program_run(unit_->exec_start, job_);
    if (program)
      answer_.program = *program;
    else if (!unit_->drop_ins.empty())
      add_broken(fmt::format("a drop-in changes its command: {}", fmt::join(unit_->drop_ins, ", ")));
    else
      add_broken("its unit starts another command");
    if (unit_->restart != "always") {
      answer_.problems.push_back(fmt::format("its unit has Restart={}", unit_->restart));
      answer_.restarts = false;
    }
    check_conditions();
    // RestartPreventExitStatus= of the unit: systemd starts it again after every end but an error that the user must
    // fix.
    if (unit_->active == "failed" && unit_->result == "exit-code")
      add_broken(
          fmt::format("its supervisor ended with an error, and systemd does not start it again: holdfast logs {}",
                      job_.name.text()));
    if (unit_->needs_reload) answer_.problems.emplace_back("systemd has not read its changed unit file yet");
  }

  void check_access() {
    if (job_.paths.scope == Scope::user) return check_program(answer_, host_);
    if (!answer_.program) return;
    if (const auto reason = why_not_executable(job_.run_as, *answer_.program, host_))
      add_broken(fmt::format("the program {} {}", answer_.program->string(), *reason));
  }

  /// What setup writes has neither a condition nor a command before the supervisor.
  void check_conditions() {
    if (unit_->has_start_commands)
      add_broken(fmt::format("a drop-in runs a command before it: {}", fmt::join(unit_->drop_ins, ", ")));
    for (const auto& path : unit_->drop_ins) {
      const auto text = host_.read_file(path);
      for (const auto& line : split(text ? *text : std::string(), '\n'))
        if (line.starts_with("Condition") || line.starts_with("Assert"))
          return add_broken(fmt::format("a drop-in may keep it from starting: {} ({})", path, printable(line)));
    }
  }

  void check_enabled() {
    const auto link = place_.directory / (place_.target + ".wants") / unit_name(job_.name);
    const bool linked = host_.status(link).kind != os::FileKind::missing;
    answer_.never_started = linked && unit_ != nullptr && unit_->active == "inactive" && !unit_->was_active;
    const bool known = unit_ != nullptr && unit_->load == "loaded" && !is_masked_until_boot();
    if (linked && (!known || unit_->file_state == "enabled")) return;
    answer_.problems.emplace_back("its unit is disabled");
    answer_.starts = false;
  }

  const UnitPlace& place_;
  const Job& job_;
  const UnitProperties* unit_;
  const os::Host& host_;
  fs::path file_;
  Registration answer_;
};

Result<std::map<std::string, UnitProperties>> show_units(const Systemctl& manager, std::span<const Job> jobs,
                                                         const os::Host& host) {
  std::vector<std::string> arguments{
      "show", "--no-pager",
      "--property=Id,LoadState,ActiveState,SubState,Result,UnitFileState,ExecStart,"
      "ExecStartPre,ExecCondition,Restart,DropInPaths,NeedDaemonReload,InactiveExitTimestampMonotonic",
      "--"};
  for (const auto& job : jobs) arguments.push_back(unit_name(job.name));
  HOLDFAST_TRY(const auto done, host.run(manager.command(std::move(arguments)), k_query_deadline));
  if (!done.ok())
    return Error{"querying systemd for", "the state of the tunnels' units",
                 done.timed_out ? "it does not answer" : first_line(done.err), ""};
  return parse_units(done.out);
}

}  // namespace

std::map<std::string, UnitProperties> parse_units(std::string_view systemctl_show) {
  std::map<std::string, UnitProperties> units;
  UnitProperties unit;
  std::string id;
  const auto finish = [&] {
    if (!id.empty()) units[id] = std::move(unit);
    id.clear();
    unit = {};
  };
  for (const auto& line : split(systemctl_show, '\n')) {
    if (line.empty()) finish();
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto key = std::string_view(line).substr(0, equals);
    const auto value = line.substr(equals + 1);
    if (key == "Id") id = value;
    if (key == "LoadState") unit.load = value;
    if (key == "ActiveState") unit.active = value;
    if (key == "SubState") unit.sub = value;
    if (key == "Result") unit.result = value;
    if (key == "UnitFileState") unit.file_state = value;
    if (key == "ExecStart") unit.exec_start = value;
    if ((key == "ExecStartPre" || key == "ExecCondition") && !value.empty()) unit.has_start_commands = true;
    if (key == "Restart") unit.restart = value;
    if (key == "DropInPaths") unit.drop_ins = split_words(value);
    if (key == "InactiveExitTimestampMonotonic") unit.was_active = value != "0";
    if (key == "NeedDaemonReload") unit.needs_reload = value == "yes";
  }
  finish();
  return units;
}

Result<std::vector<Registration>> query_units(const std::optional<Systemctl>& manager, const UnitPlace& place,
                                              std::span<const Job> jobs, const os::Host& host) {
  std::map<std::string, UnitProperties> units;
  if (manager && !jobs.empty()) {
    HOLDFAST_TRY(units, show_units(*manager, jobs, host));
  }
  std::vector<Registration> answers;
  for (const auto& job : jobs) {
    const auto unit = units.find(unit_name(job.name));
    answers.push_back(UnitCheck(place, job, unit == units.end() ? nullptr : &unit->second, host).run());
  }
  return answers;
}

void add_boot_problem(std::vector<Registration>& answers, const BootProblem& problem) {
  for (auto& answer : answers) {
    answer.obstacles.push_back(fmt::format("systemd does not start it at boot: {}: {}", problem.text, problem.remedy));
    answer.starts = false;
  }
}

}  // namespace holdfast::backends
