#include "backends/terminal_session.hpp"

#include "backends/host/logind.hpp"
#include "backends/host/systemctl.hpp"
#include "backends/pidfile.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_no{};

bool can_have_scope(const os::Host& host) { return user_manager(host) && host.find_program("systemd-run"); }

bool can_outlive_by_scope(const os::Host& host) { return is_lingering(host, host.user()) && can_have_scope(host); }

}  // namespace

Result<std::vector<std::string>> in_clean_environment(const Job& job, const os::Host& host) {
  if (job.argv.front().find('=') != std::string::npos)
    return Error{"starting", job.argv.front(), "env takes a path with a \"=\" for a variable",
                 "move the program elsewhere"};
  std::vector<std::string> words{host.find_program("env").value_or("/usr/bin/env").string(), "-i"};
  for (const auto& [key, value] : job.environment) words.push_back(fmt::format("{}={}", key, value));
  words.insert(words.end(), job.argv.begin(), job.argv.end());
  return words;
}

os::Environment session_environment(const os::Host& host) {
  os::Environment environment{{"LANG", "C.UTF-8"}, {"SHELL", "/bin/sh"}};
  for (const char* name : {"PATH", "HOME", "USER", "LOGNAME"})
    if (auto value = host.env(name)) environment[name] = *value;
  return environment;
}

os::Command outliving_login(os::Command command, const os::Host& host) {
  if (survives_logout(control_group(host, 0), host, host.user()) || !can_outlive_by_scope(host)) return command;
  std::vector<std::string> arguments{"--quiet", "--scope", "--collect", "--"};
  arguments.insert(arguments.end(), command.argv.begin(), command.argv.end());
  auto scoped = user_manager(host)->run_command(std::move(arguments));
  scoped.input = std::move(command.input);
  if (command.environment)
    for (auto& [key, value] : *command.environment) (*scoped.environment)[key] = value;
  return scoped;
}

Fitness session_fitness(const std::string& what, const os::Host& host) {
  const auto group = control_group(host, 0);
  if (survives_logout(group, host, host.user()) || can_outlive_by_scope(host))
    return {Fitness::Grade::degraded,
            Survives{k_no, k_yes, k_no},
            what + ": nothing starts it again after a crash or a reboot",
            {}};
  Fitness fitness{Fitness::Grade::degraded, Survives{k_no, k_no, k_no},
                  what + ": " + why_not_logout(group, host, host.user())};
  if (can_have_scope(host)) {
    fitness.remedy = linger_remedy(host.user());
    fitness.with_remedy = Survives{k_no, k_yes, k_no};
  }
  return fitness;
}

Survives session_survives(const fs::path& pidfile, const os::Host& host) {
  const auto process = running_process(host, pidfile);
  const bool outlives = survives_logout(control_group(host, process ? process->pid : 0), host, host.user()) ||
                        (!process && can_outlive_by_scope(host));
  return Survives{k_no, outlives ? k_yes : k_no, k_no};
}

std::vector<Registration> query_pidfiles(std::span<const Job> jobs, const os::Host& host) {
  std::vector<Registration> answers;
  for (const auto& job : jobs) {
    const bool installed = host.status(job.paths.tunnel_file(job.name)).kind != os::FileKind::missing;
    const auto pidfile = store::runtime_files(job.name, job.runtime_dir).pidfile;
    answers.push_back({installed, running_process(host, pidfile).has_value(), false});
  }
  return answers;
}

bool is_private_directory(const fs::path& directory, const os::Host& host) {
  const auto status = host.status(directory);
  return status.kind == os::FileKind::directory && status.owner == host.user().uid && (status.mode & 077) == 0;
}

fs::path proving_directory(const os::Host& host) {
  const auto assessed_backends = store::runtime_directory_candidates(host, false);
  const auto ours =
      std::ranges::find_if(assessed_backends, [&](const auto& at) { return is_private_directory(at, host); });
  return ours == assessed_backends.end() ? assessed_backends.front() : *ours;
}

}  // namespace holdfast::backends
