#include "backends/terminal_session.hpp"

#include "backends/host/logind.hpp"
#include "backends/host/systemctl.hpp"
#include "backends/text/login_hook_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr Survival k_yes{Survival::Kind::yes, {}};
constexpr Survival k_no{};

bool can_have_scope(const os::Host& host) { return user_manager(host) && host.find_program("systemd-run"); }

bool can_outlive_by_scope(const os::Host& host) { return is_lingering(host, host.user()) && can_have_scope(host); }

}  // namespace

Fitness TerminalSession::assess(const os::Host& host) const {
  if (!host.find_program(std::string(name())))
    return {Fitness::Grade::unavailable,
            {},
            fmt::format("{} is not installed", name()),
            fmt::format("sudo apt-get install {}", name())};
  const auto session = fmt::format("a detached {} session", name());
  const auto group = control_group(host, 0);
  if (survives_logout(group, host, host.user()) || can_outlive_by_scope(host))
    return {Fitness::Grade::degraded,
            Survives{k_no, k_yes, k_no},
            session + ": not restarted after a crash or a reboot",
            {}};
  Fitness fitness{Fitness::Grade::degraded, Survives{k_no, k_no, k_no},
                  session + ": " + why_not_logout(group, host, host.user())};
  if (can_have_scope(host)) {
    fitness.remedy = linger_remedy(host.user());
    fitness.with_remedy = Survives{k_no, k_yes, k_no};
  }
  return fitness;
}

Survives TerminalSession::survives(const Job& job, const os::Host& host) const {
  const auto process = running_process(host, pidfile_of(job));
  const bool outlives = survives_logout(control_group(host, process ? process->pid : 0), host, host.user()) ||
                        (!process && can_outlive_by_scope(host));
  return with_login_hook(Survives{k_no, outlives ? k_yes : k_no, k_no}, job.paths, host);
}

Result<std::vector<std::string>> in_clean_environment(const Job& job, const os::Host& host) {
  if (job.argv.front().find('=') != std::string::npos)
    return Error{"starting", job.argv.front(), "env reads a path that contains \"=\" as a variable",
                 "move the program to a path without \"=\""};
  std::vector<std::string> argv{host.find_program("env").value_or("/usr/bin/env").string(), "-i"};
  for (const auto& [key, value] : job.environment) argv.push_back(fmt::format("{}={}", key, value));
  argv.insert(argv.end(), job.argv.begin(), job.argv.end());
  return argv;
}

Result<std::vector<std::string>> proof_command(const Job& job, const os::Host& host) {
  auto proof = job;
  proof.argv = {job.argv.front(), "version"};
  return in_clean_environment(proof, host);
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

bool is_private_directory(const fs::path& directory, const os::Host& host) {
  const auto status = host.status(directory);
  return status.kind == os::FileKind::directory && status.owner == host.user().uid && (status.mode & 077) == 0;
}

fs::path proving_directory(const os::Host& host) {
  const auto candidates = store::runtime_directory_candidates(host, false);
  const auto found =
      std::ranges::find_if(candidates, [&](const auto& directory) { return is_private_directory(directory, host); });
  return found == candidates.end() ? candidates.front() : *found;
}

}  // namespace holdfast::backends
