#include "backends/host/account.hpp"
#include "backends/host/cron_daemon.hpp"
#include "backends/host/crontab.hpp"
#include "backends/host/logind.hpp"
#include "backends/host/pam.hpp"
#include "backends/host/stop_mark.hpp"
#include "backends/pidfile_backend.hpp"
#include "backends/registry.hpp"
#include "backends/text/crontab_text.hpp"
#include "backends/text/installed_text.hpp"
#include "backends/text/templates.hpp"
#include "backends/text/unit_text.hpp"
#include "core/text.hpp"

#include <fmt/format.h>
#include <boost/algorithm/string/replace.hpp>

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_assess_deadline{2000};
constexpr std::chrono::milliseconds k_query_deadline{5000};

const char* const k_template = "crontab";
const char* const k_denied = "you are not allowed to use cron (/etc/cron.allow, /etc/cron.deny)";

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_within_a_minute{Survival::Kind::within, std::chrono::seconds(60)};

/// KEY=VALUE for the variables of the job that cron would not set, or set differently. cron sets LOGNAME itself.
Result<std::vector<std::string>> assignments(const os::Environment& environment) {
  std::vector<std::string> encoded;
  for (const char* key : {"HOME", "PATH", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}) {
    const auto value = environment.find(key);
    if (value == environment.end()) continue;
    HOLDFAST_TRY(auto assignment, encode_crontab_assignment(key, value->second));
    encoded.push_back(std::move(assignment));
  }
  return encoded;
}

/// A file of this host, held while cron's command runs.
fs::path lock_file(const os::Host& host) {
  return store::runtime_directory_candidates(host, false).front() / ".cron.lock";
}

/// `/bin/sh -c SCRIPT PROGRAM KEY=VALUE… PROGRAM ensure … NAME`. It works in any shell that the crontab's SHELL may
/// name, and with any PATH and XDG_* that the crontab sets. The script prints nothing while the program's file system
/// is not mounted yet. Where that file system hangs, one process waits for it with the lock, and those of later minutes
/// end at once. Without flock(1) there is no lock.
Result<std::string> ensure_command(const Job& job, const os::Host& host) {
  auto argv = job.argv;
  if (argv.size() < 2 || argv[1] != "run" || !fs::path(argv[0]).is_absolute())
    return Error{"writing into a crontab", fmt::format("{}", fmt::join(argv, " ")), "it is not a holdfast run command",
                 ""};
  if (argv[0].find('=') != std::string::npos)
    return Error{"writing into a crontab", argv[0], "env reads a path that contains \"=\" as a variable",
                 "move the program to a path without \"=\""};
  argv[1] = "ensure";
  HOLDFAST_TRY(const auto program, encode_crontab_word(argv[0]));
  HOLDFAST_TRY(const auto environment, assignments(job.environment));
  HOLDFAST_TRY(const auto script,
               encode_crontab_word(fmt::format(
                   "PATH=/usr/bin:/bin:$PATH; unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME; d={}; "
                   "mkdir -m 700 $d 2>/dev/null; test ! -L $d && test -O $d && exec 9>$d/{} && "
                   "{{ flock -n 9 2>/dev/null || test $? -ne 1 || exit 0; }}; test -x \"$0\" && exec env \"$@\"",
                   lock_file(host).parent_path().string(), lock_file(host).filename().string())));
  std::string command = fmt::format("/bin/sh -c {} {} {}", script, program, fmt::join(environment, " "));
  for (const auto& argument : argv) {
    HOLDFAST_TRY(const auto word, encode_crontab_word(argument));
    command += ' ' + word;
  }
  if (command.size() <= k_longest_crontab_command) return command;
  return Error{"writing into a crontab", "the command of tunnel " + job.name.text(),
               fmt::format("it has {} bytes; cron's limit is {}", command.size(), k_longest_crontab_command),
               "set it up with a shorter PATH: env PATH=/usr/local/bin:/usr/bin:/bin holdfast setup …"};
}

Result<EditCrontab> crontab_edit(const Job& job, const os::Host& host) {
  HOLDFAST_TRY(const auto text, find_template(k_template, job.paths, host));
  HOLDFAST_TRY(auto command, ensure_command(job, host));
  const auto home = job.environment.find("HOME");
  HOLDFAST_TRY(auto lines, fill_template(text.text,
                                         {{"NAME", job.name.text()},
                                          {"COMMAND", std::move(command)},
                                          {"HOME", home != job.environment.end() ? home->second : "/"}},
                                         text.source));
  return EditCrontab{job.name, std::move(lines)};
}

/// The program that the installed lines start; empty when they are not what setup writes.
std::optional<fs::path> program_of(const std::string& lines, const Job& job, const os::Host& host) {
  constexpr std::string_view k_any_command = "@COMMAND@";
  constexpr std::string_view k_home = "\nHOME=";
  // HOME and the variables of the command are those of the login that ran setup.
  const auto home = lines.rfind(k_home);
  const auto text = find_template(k_template, job.paths, host);
  if (!text || home == std::string::npos) return std::nullopt;
  const auto expected = fill_template(text->text,
                                      {{"NAME", job.name.text()},
                                       {"COMMAND", std::string(k_any_command)},
                                       {"HOME", first_line(lines.substr(home + k_home.size()))}},
                                      text->source);
  const auto command = expected ? text_at_mark(lines, *expected, k_any_command) : std::nullopt;
  auto sample = job;
  sample.argv.front() = k_any_program;
  sample.environment.clear();
  const auto any = ensure_command(sample, host);
  if (!command || !any) return std::nullopt;
  const auto script = any->substr(0, any->find(k_any_program));
  const auto arguments = any->substr(any->rfind(k_any_program) + k_any_program.size());
  if (!command->starts_with(script) || !command->ends_with(arguments)) return std::nullopt;
  const auto words = command->substr(script.size(), command->size() - script.size() - arguments.size());
  for (auto end = words.find(' '); end != std::string::npos; end = words.find(' ', end + 1))
    if (auto word = words.substr(0, end); words.ends_with(' ' + word)) {
      boost::algorithm::replace_all(word, "\\%", "%");  // crontab(5)
      return unquoted(word);
    }
  return std::nullopt;
}

/// True when logind kills the processes that a cron job leaves behind.
bool kills_processes_of_jobs(const os::Host& host) {
  return std::ranges::any_of(k_cron_services,
                             [&](const char* service) { return opens_logind_session(service, host); }) &&
         kills_user_processes(host, host.user());
}

// Two crontab lines run `holdfast ensure` for all tunnels of cron, at boot and every minute. `setup` and `start` do not
// wait for cron: they start the supervisor themselves.
class Cron final : public PidfileBackend {
 public:
  std::string_view name() const noexcept override { return "cron"; }

  Fitness assess(const os::Host& host) const override {
    if (!host.find_program("crontab")) return unavailable("crontab is not installed", install_cron(host));
    if (auto problem = why_no_cron_runs(host)) return unavailable(std::move(problem->text), std::move(problem->remedy));
    const auto answer = read_crontab(host, k_assess_deadline);
    if (!answer) return unavailable(answer.error().line());
    if (answer->denied)
      return unavailable(k_denied,
                         fmt::format("ask an administrator to allow cron for {} (/etc/cron.allow)", host.user().name));
    if (auto reason = why_shell_fails(crontab_variable(answer->text.value_or(""), "SHELL"), host))
      return unavailable(std::move(*reason));
    if (auto problem = find_account_problem(host.user(), host))
      return unavailable("cron runs no jobs of yours: " + problem->text, std::move(problem->remedy));
    if (kills_processes_of_jobs(host))
      return unavailable(
          "logind kills every process of a cron job when the job ends (KillUserProcesses=yes, pam_systemd)");
    const auto logout = survives_logout(control_group(host, 0), host, host.user()) ? k_yes : k_within_a_minute;
    if (auto problem = why_cron_does_not_start(host))
      return {Fitness::Grade::degraded, Survives{k_within_a_minute, logout, {}},
              "cron runs now, but does not start at boot: " + problem->text, std::move(problem->remedy),
              Survives{k_within_a_minute, logout, k_yes}};
    return {Fitness::Grade::good,
            Survives{k_within_a_minute, logout, k_yes},
            "cron starts the tunnel at boot and checks it every minute",
            {}};
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    const auto process = running_process(host, pidfile_of(job));
    const bool outlives = !process || survives_logout(control_group(host, process->pid), host, host.user());
    if (why_no_cron_runs(host)) return Survives{{}, outlives ? k_yes : Survival{}, {}};
    return Survives{k_within_a_minute, outlives ? k_yes : k_within_a_minute, k_yes};
  }

  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(auto edit, crontab_edit(job, host));
    return Plan{TryCrontab{std::move(edit)}};
  }

  Result<Plan> install(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(auto edit, crontab_edit(job, host));
    // cron may run the new line before an undo.
    return Plan{OnUnwind{os::Command{{"rm", "-f", "--", lock_file(host).string()}}}, std::move(edit)};
  }

  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host& host) const override {
    HOLDFAST_TRY(auto plan, PidfileBackend::remove(tunnel, paths, host));
    plan.insert(plan.begin(), EditCrontab{tunnel, {}});
    plan.emplace_back(RemoveFile{lock_file(host)});  // the lines of other tunnels make it again
    return plan;
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    CrontabAnswer crontab;
    if (!jobs.empty() && host.find_program("crontab")) {
      HOLDFAST_TRY(crontab, read_crontab(host, k_query_deadline));
    }
    HOLDFAST_TRY(auto answers, PidfileBackend::query(jobs, host));
    const auto common = common_obstacles(jobs, host);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      auto& answer = answers[i];
      if (crontab.denied) {
        // cron runs the lines all the same: only crontab(1) reads cron.allow and cron.deny.
        answer.installed = true;
        answer.obstacles.emplace_back("whether its lines are in your crontab is not known: " + std::string(k_denied));
      } else {
        const auto lines = crontab_lines_of(crontab.text.value_or(""), jobs[i].name.text());
        answer.installed = lines.has_value();
        check_lines(answer, lines, jobs[i], host);
        if (lines) check_shell(answer, *crontab.text, jobs[i], host);
      }
      answer.obstacles.insert(answer.obstacles.end(), common.texts.begin(), common.texts.end());
      answer.restarts = answer.restarts && common.restarts;
      answer.starts = answer.starts && common.starts;
      answer.restarting = answer.restarts && !answer.running && !has_stop_mark(jobs[i].name, jobs[i].paths, host);
    }
    return answers;
  }

 private:
  /// What keeps cron from running the lines of every tunnel.
  struct CommonObstacles {
    std::vector<std::string> texts;
    bool restarts = true;
    bool starts = true;
  };

  static CommonObstacles common_obstacles(std::span<const Job> jobs, const os::Host& host) {
    CommonObstacles found;
    if (jobs.empty()) return found;
    const auto add = [&](std::string text, const std::optional<std::string>& remedy) {
      found.texts.push_back(remedy ? fmt::format("{}: {}", text, *remedy) : std::move(text));
    };
    if (const auto problem = why_no_cron_runs(host)) {
      add(problem->text, problem->remedy);
      found.restarts = found.starts = false;
    }
    if (const auto problem = why_cron_does_not_start(host)) {
      add("cron does not start at boot: " + problem->text, problem->remedy);
      found.starts = false;
    }
    if (const auto problem = find_account_problem(host.user(), host)) {
      add("cron runs no jobs of yours: " + problem->text, problem->remedy);
      found.restarts = found.starts = false;
    }
    return found;
  }

  static void check_shell(Registration& answer, const std::string& crontab, const Job& job, const os::Host& host) {
    const auto shell = crontab_variable(crontab_above(crontab, job.name.text()), "SHELL");
    const auto reason = why_shell_fails(shell, host);
    if (!reason) return;
    answer.obstacles.push_back(*reason + ": move that line below the lines of holdfast (crontab -e)");
    answer.restarts = answer.starts = false;
  }

  static void check_lines(Registration& answer, const std::optional<std::string>& lines, const Job& job,
                          const os::Host& host) {
    if (lines) answer.program = program_of(*lines, job, host);
    check_program(answer, host);
    if (lines && answer.program) return;
    answer.problems.emplace_back(lines ? "its lines in your crontab differ from what setup writes"
                                       : "its lines are missing from your crontab");
    answer.restarts = answer.starts = false;
  }

  static Fitness unavailable(std::string reason, std::optional<std::string> remedy = {}) {
    Fitness fitness{Fitness::Grade::unavailable, {}, std::move(reason), std::move(remedy)};
    if (fitness.remedy) fitness.with_remedy = Survives{k_within_a_minute, k_yes, k_yes};
    return fitness;
  }
};

}  // namespace

const Backend& cron_backend() {
  static const Cron backend;
  return backend;
}

}  // namespace holdfast::backends
