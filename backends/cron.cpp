#include "backends/host/crontab.hpp"
#include "backends/host/logind.hpp"
#include "backends/host/pam.hpp"
#include "backends/host/stop_mark.hpp"
#include "backends/host/systemctl.hpp"
#include "backends/pidfile_backend.hpp"
#include "backends/registry.hpp"
#include "backends/text/crontab_text.hpp"
#include "backends/text/installed_text.hpp"
#include "backends/text/templates.hpp"
#include "backends/text/unit_text.hpp"
#include "core/text.hpp"
#include "os/replace_file.hpp"

#include <fmt/format.h>
#include <boost/algorithm/string/replace.hpp>

#include <algorithm>
#include <array>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_assess_deadline{2000};
constexpr std::chrono::milliseconds k_query_deadline{5000};

const char* const k_template = "crontab";
const char* const k_denied = "you are not allowed to use cron (/etc/cron.allow, /etc/cron.deny)";

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_within_a_minute{Survival::Kind::within, std::chrono::seconds(60)};

/// Debian's cron and cronie keep their pidfile locked while they run.
bool is_cron_running(const os::Host& host) {
  constexpr std::array k_pidfiles{"/run/crond.pid", "/var/run/crond.pid", "/run/cron.pid", "/var/run/cron.pid"};
  return std::ranges::any_of(k_pidfiles, [&](const char* pidfile) { return host.is_locked(pidfile); });
}

/// Empty where no package manager is known.
std::optional<std::string> install_cron(const os::Host& host) {
  if (host.find_program("apt-get")) return "sudo apt-get install cron";
  if (host.find_program("dnf")) return "sudo dnf install cronie";
  if (host.find_program("zypper")) return "sudo zypper install cronie";
  if (host.find_program("apk")) return "sudo apk add cronie";
  return std::nullopt;
}

/// The names of cron's systemd unit and PAM service: on Red Hat, on Arch, on Debian.
constexpr std::array k_services{"crond", "cronie", "cron"};

bool exists(const os::Host& host, const std::string& path) { return host.status(path).kind != os::FileKind::missing; }

/// A cron that holdfast does not support: it has no pidfile that shows whether it runs. Empty when there is none.
std::string_view unsupported_cron(const os::Host& host) {
  for (const char* directory : {"/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"})
    if (exists(host, fmt::format("{}/systemd-crontab-generator", directory))) return "systemd-cron";
  if (host.find_program("bcron-sched")) return "bcron";
  const auto crontab = host.find_program("crontab");
  const auto target = crontab ? os::resolve_links(*crontab) : Result<fs::path>(Error{});
  if (target && target->filename() == "busybox") return "busybox crond";
  for (const char* daemon : {"fcron", "dcron"})
    if (host.find_program(daemon)) return daemon;
  return {};
}

/// The unit of the cron that is installed; empty when there is none, or systemd does not run this host.
std::string_view cron_unit(const os::Host& host) {
  if (!is_booted_with_systemd(host)) return {};
  for (const char* service : k_services)
    for (const char* directory : {"/usr/lib/systemd/system", "/lib/systemd/system"})
      if (exists(host, fmt::format("{}/{}.service", directory, service))) return service;
  return {};
}

/// How to let cron start at boot; empty where it does, or where nothing tells.
std::optional<std::string> command_that_enables_cron(const os::Host& host) {
  const auto unit = cron_unit(host);
  if (unit.empty()) return std::nullopt;
  for (const char* directory : {"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"})
    for (const char* target : {"multi-user", "default", "graphical", "basic"})
      if (exists(host, fmt::format("{}/{}.target.wants/{}.service", directory, target, unit))) return std::nullopt;
  return fmt::format("sudo systemctl enable {}", unit);
}

/// One command that starts the cron that is installed, or installs one; empty when none is known.
std::optional<std::string> command_that_starts_cron(const os::Host& host) {
  if (const auto unit = cron_unit(host); !unit.empty()) return fmt::format("sudo systemctl enable --now {}", unit);
  for (const char* service : k_services)
    if (exists(host, fmt::format("/etc/init.d/{}", service))) return fmt::format("sudo service {} start", service);
  return install_cron(host);
}

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
/// name. The script prints nothing while the program's file system is not mounted yet. Where that file system hangs,
/// one process waits for it with the lock, and those of later minutes end at once. Without flock(1) there is no lock.
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
                   "d={}; mkdir -m 700 $d 2>/dev/null; test ! -L $d && test -O $d && exec 9>$d/{} && "
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
  return std::ranges::any_of(k_services, [&](const char* service) { return opens_logind_session(service, host); }) &&
         kills_user_processes(host, host.user());
}

// Two crontab lines run `holdfast ensure` for all tunnels of cron, at boot and every minute. `setup` and `start` do not
// wait for cron: they start the supervisor themselves.
class Cron final : public PidfileBackend {
 public:
  std::string_view name() const noexcept override { return "cron"; }

  Fitness assess(const os::Host& host) const override {
    if (!host.find_program("crontab")) return unavailable("crontab is not installed", install_cron(host));
    if (!is_cron_running(host)) {
      if (const auto other = unsupported_cron(host); !other.empty())
        return unavailable(fmt::format("{} is not supported: nothing shows whether it runs", other),
                           install_cron(host));
      return unavailable("no cron daemon is running", command_that_starts_cron(host));
    }
    const auto answer = read_crontab(host, k_assess_deadline);
    if (!answer) return unavailable(answer.error().line());
    if (answer->denied)
      return unavailable(k_denied,
                         fmt::format("ask an administrator to allow cron for {} (/etc/cron.allow)", host.user().name));
    if (kills_processes_of_jobs(host))
      return unavailable(
          "logind kills every process of a cron job when the job ends (KillUserProcesses=yes, pam_systemd)");
    const auto logout = survives_logout(control_group(host, 0), host, host.user()) ? k_yes : k_within_a_minute;
    if (auto remedy = command_that_enables_cron(host))
      return {Fitness::Grade::degraded, Survives{k_within_a_minute, logout, {}},
              "cron runs now, but does not start at boot", std::move(remedy),
              Survives{k_within_a_minute, logout, k_yes}};
    return {Fitness::Grade::good,
            Survives{k_within_a_minute, logout, k_yes},
            "cron starts the tunnel at boot and checks it every minute",
            {}};
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    const auto process = running_process(host, pidfile_of(job));
    const bool outlives = !process || survives_logout(control_group(host, process->pid), host, host.user());
    if (!is_cron_running(host)) return Survives{{}, outlives ? k_yes : Survival{}, {}};
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
    const auto remedy = command_that_enables_cron(host);
    const bool cron_runs = is_cron_running(host);
    HOLDFAST_TRY(auto answers, PidfileBackend::query(jobs, host));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      auto& answer = answers[i];
      if (crontab.denied) {
        // cron runs the lines all the same: only crontab(1) reads cron.allow and cron.deny.
        answer.installed = true;
        answer.problems.emplace_back("whether its lines are in your crontab is not known: " + std::string(k_denied));
      } else {
        const auto lines = crontab_lines_of(crontab.text.value_or(""), jobs[i].name.text());
        answer.installed = lines.has_value();
        check_lines(answer, lines, jobs[i], host);
      }
      if (remedy) {
        answer.problems.emplace_back("cron does not start at boot: " + *remedy);
        answer.starts = false;
      }
      answer.restarting =
          answer.restarts && !answer.running && cron_runs && !has_stop_mark(jobs[i].name, jobs[i].paths, host);
    }
    return answers;
  }

 private:
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
