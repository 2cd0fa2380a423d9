#include "backends/host/crontab.hpp"
#include "backends/host/logind.hpp"
#include "backends/host/pam.hpp"
#include "backends/host/stop_mark.hpp"
#include "backends/pidfile.hpp"
#include "backends/registry.hpp"
#include "backends/text/crontab_text.hpp"
#include "backends/text/marked_block.hpp"
#include "backends/text/templates.hpp"
#include "backends/text/unit_text.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_assess_deadline{2000};
constexpr std::chrono::milliseconds k_query_deadline{5000};

const char* const k_template = "crontab";

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_within_a_minute{Survival::Kind::within, std::chrono::seconds(60)};

fs::path pidfile_of(const Job& job) { return store::runtime_files(job.name, job.runtime_dir).pidfile; }

/// Every cron holds its pidfile locked as long as it lives: cron(8) of Debian, cronie.
bool is_cron_alive(const os::Host& host) {
  constexpr std::array k_pidfiles{"/run/crond.pid", "/var/run/crond.pid", "/run/cron.pid", "/var/run/cron.pid"};
  return std::ranges::any_of(k_pidfiles, [&](const char* pidfile) { return host.is_locked(pidfile); });
}

/// What systemd and PAM call it: cronie on Red Hat, cronie on Debian and Arch, Debian's own.
constexpr std::array k_services{"crond", "cronie", "cron"};

std::string start_cron(const os::Host& host) {
  const auto is_there = [&](const char* service) {
    return std::ranges::any_of(
        std::array{"/usr/lib/systemd/system", "/lib/systemd/system"}, [&](const char* directory) {
          return host.status(fmt::format("{}/{}.service", directory, service)).kind != os::FileKind::missing;
        });
  };
  const bool booted = host.status("/run/systemd/system").kind == os::FileKind::directory;  // sd_booted(3)
  const auto* const found = std::ranges::find_if(k_services, is_there);
  const char* service = found != k_services.end() ? *found : "cron";
  return booted ? fmt::format("sudo systemctl enable --now {}", service)
                : fmt::format("sudo service {} start", service);
}

/// What differs between cron's environment and the one that the tunnel was set up and tried in. cron sets LOGNAME.
Result<std::vector<std::string>> assignments(const os::Environment& environment) {
  std::vector<std::string> words;
  for (const char* key : {"HOME", "PATH", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}) {
    const auto value = environment.find(key);
    if (value == environment.end()) continue;
    HOLDFAST_TRY(auto word, encode_crontab_assignment(key, value->second));
    words.push_back(std::move(word));
  }
  return words;
}

/// `test -x PROGRAM && env KEY=VALUE… PROGRAM ensure … NAME`: for any shell that a crontab's SHELL may name, and silent
/// while the home that the program lies in is not there yet.
Result<std::string> ensure_command(const Job& job) {
  auto argv = job.argv;
  if (argv.size() < 2 || argv[1] != "run" || !fs::path(argv[0]).is_absolute())
    return Error{"writing into a crontab", fmt::format("{}", fmt::join(argv, " ")), "it is no supervisor of holdfast",
                 ""};
  if (argv[0].find('=') != std::string::npos)
    return Error{"writing into a crontab", argv[0], "env takes a path with a \"=\" for a variable",
                 "move the program elsewhere"};
  argv[1] = "ensure";
  HOLDFAST_TRY(const auto program, encode_crontab_word(argv[0]));
  HOLDFAST_TRY(const auto environment, assignments(job.environment));
  std::string command = fmt::format("test -x {} && env {}", program, fmt::join(environment, " "));
  for (const auto& argument : argv) {
    HOLDFAST_TRY(const auto word, encode_crontab_word(argument));
    command += ' ' + word;
  }
  if (command.size() <= k_longest_crontab_command) return command;
  return Error{"writing into a crontab", "the command of tunnel " + job.name.text(),
               fmt::format("it would have {} bytes, and cron takes {}", command.size(), k_longest_crontab_command),
               "set it up with a shorter PATH: env PATH=/usr/local/bin:/usr/bin:/bin holdfast setup …"};
}

Result<EditCrontab> installing(const Job& job, const os::Host& host) {
  HOLDFAST_TRY(const auto text, find_template(k_template, job.paths, host));
  HOLDFAST_TRY(auto command, ensure_command(job));
  HOLDFAST_TRY(auto lines,
               fill_template(text.text, {{"NAME", job.name.text()}, {"COMMAND", std::move(command)}}, text.source));
  return EditCrontab{job.name, std::move(lines)};
}

/// True where logind ends what a cron job leaves behind as soon as the job is done.
bool ends_what_jobs_start(const os::Host& host) {
  return std::ranges::any_of(k_services, [&](const char* service) { return opens_logind_session(service, host); }) &&
         kills_user_processes(host, host.user());
}

// Lines in the crontab that run `holdfast ensure`: at boot, and each minute. A setup or start by hand starts the
// supervisor at once, as the nohup backend does.
class Cron final : public Backend {
 public:
  std::string_view name() const noexcept override { return "cron"; }
  Scope scope() const noexcept override { return Scope::user; }
  bool restarts_job() const noexcept override { return false; }

  Fitness assess(const os::Host& host) const override {
    if (!host.find_program("crontab")) return unavailable("there is no crontab here", "sudo apt-get install cron");
    if (!is_cron_alive(host)) return unavailable("no cron daemon runs here", start_cron(host));
    const auto answer = read_crontab(host, k_assess_deadline);
    if (!answer) return unavailable(answer.error().line());
    if (answer->denied)
      return unavailable("cron does not let you in (/etc/cron.allow, /etc/cron.deny)",
                         fmt::format("ask an administrator to let {} use cron (/etc/cron.allow)", host.user().name));
    if (ends_what_jobs_start(host))
      return unavailable(
          "this machine ends all that a cron job has started when the job is done "
          "(KillUserProcesses=yes, pam_systemd)");
    const auto logout = survives_logout(control_group(host, 0), host, host.user()) ? k_yes : k_within_a_minute;
    return {Fitness::Grade::good,
            Survives{k_within_a_minute, logout, k_yes},
            "cron runs and lets you in: it starts the tunnel with the machine and looks after it each minute",
            {}};
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    const auto process = running_process(host, pidfile_of(job));
    const bool outlives = !process || survives_logout(control_group(host, process->pid), host, host.user());
    if (!is_cron_alive(host)) return Survives{{}, outlives ? k_yes : Survival{}, {}};
    return Survives{k_within_a_minute, outlives ? k_yes : k_within_a_minute, k_yes};
  }

  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(auto edit, installing(job, host));
    return Plan{TryCrontab{std::move(edit)}};
  }

  Result<Plan> install(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(auto edit, installing(job, host));
    return Plan{std::move(edit)};
  }

  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host&) const override {
    return Plan{EditCrontab{tunnel, {}}, RemoveFile{stop_mark_file(tunnel, paths)}};
  }

  Result<Plan> start(const Job& job, const os::Host& host) const override {
    Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}};
    if (!running_process(host, pidfile_of(job))) plan.push_back(start_step(job));
    return plan;
  }

  // The mark first: the watchdog may look at any moment.
  Result<Plan> stop(const Job& job, const os::Host& host) const override {
    return Plan{leave_stop_mark(job.name, job.paths, host), Terminate{pidfile_of(job)}};
  }

  Result<Plan> restart(const Job& job, const os::Host&) const override {
    return Plan{RemoveFile{stop_mark_file(job.name, job.paths)}, Terminate{pidfile_of(job)}, start_step(job)};
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    std::string crontab;
    if (!jobs.empty() && host.find_program("crontab")) {
      HOLDFAST_TRY(const auto answer, read_crontab(host, k_query_deadline));
      crontab = answer.text.value_or(std::string());
    }
    const bool alive = is_cron_alive(host);
    std::vector<Registration> answers;
    for (const auto& job : jobs) {
      Registration answer;
      answer.installed = block_of(crontab, job.name.text()).has_value();
      answer.running = running_process(host, pidfile_of(job)).has_value();
      answer.restarting = answer.installed && !answer.running && alive && !has_stop_mark(job.name, job.paths, host);
      answers.push_back(answer);
    }
    return answers;
  }

 private:
  static Fitness unavailable(std::string reason, std::optional<std::string> remedy = {}) {
    Fitness fitness{Fitness::Grade::unavailable, {}, std::move(reason), std::move(remedy)};
    if (fitness.remedy) fitness.with_remedy = Survives{k_within_a_minute, k_yes, k_yes};
    return fitness;
  }

  static Step start_step(const Job& job) {
    return StartDetached{os::Detached{os::Command{job.argv, job.environment, {}}, {}}, pidfile_of(job)};
  }
};

}  // namespace

const Backend& cron_backend() {
  static const Cron backend;
  return backend;
}

}  // namespace holdfast::backends
