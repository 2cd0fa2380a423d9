#include "tunnels/survivors.hpp"

#include "core/text.hpp"
#include "os/end_process.hpp"
#include "store/kept_processes.hpp"
#include "store/tunnel_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include <unistd.h>

namespace holdfast::tunnels {
namespace {

namespace fs = boost::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds k_end_grace{10000};  // the supervisor ends its ssh first, which may take 5 s
constexpr milliseconds k_ssh_grace{1500};
constexpr std::size_t k_largest_environment = 4 << 20;

/// "" when the variable is not set.
std::string variable_of(const std::string& environment, std::string_view name) {
  for (const auto& line : split(environment, '\0'))
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == '=')
      return line.substr(name.size() + 1);
  return {};
}

struct Run {
  Scope scope;
  std::string name;
};

/// The arguments of `holdfast run`. Without a scope option, root means the system scope: see usual_scope().
std::optional<Run> parse_run(const std::vector<std::string>& arguments, uid_t owner) {
  Run run{owner == 0 ? Scope::system : Scope::user, {}};
  for (const auto& argument : arguments) {
    if (argument == "--system") run.scope = Scope::system;
    if (argument == "--user") run.scope = Scope::user;
    if (argument.starts_with('-')) continue;
    if (!run.name.empty()) return std::nullopt;
    run.name = argument;
  }
  return run;
}

}  // namespace

std::vector<os::ProcessId> Survivors::of(const TunnelName& name) {
  if (!found_) search();
  std::vector<os::ProcessId> processes;
  for (const auto& found : *found_)
    if (found.name == name.text() && os::is_alive(host_, found.process)) processes.push_back(found.process);
  const auto kept = store::read_living_processes(host_, paths_, name);
  if (!kept || !kept->supervisor || kept->supervisor->pid == ::getpid()) return processes;
  const bool is_known = std::ranges::find(processes, *kept->supervisor) != processes.end();
  if (!is_known && has_our_configuration(kept->supervisor->pid)) processes.push_back(*kept->supervisor);
  return processes;
}

void Survivors::search() {
  found_.emplace();
  for (const auto& entry : host_.list("/proc")) {
    const auto pid = parse_number(entry, 2, std::numeric_limits<pid_t>::max());
    if (!pid || static_cast<pid_t>(*pid) == ::getpid()) continue;
    const auto process = host_.process(static_cast<pid_t>(*pid));
    if (!process) continue;
    auto name = name_run_by(process->pid);
    // Checked again, so that all of it holds for one process and not for a reused pid.
    if (name && os::is_alive(host_, *process)) found_->push_back({std::move(*name), *process});
  }
}

std::optional<std::string> Survivors::name_run_by(pid_t pid) const {
  auto arguments = split(host_.command_line(pid), '\0');
  if (!arguments.empty() && arguments.back().empty()) arguments.pop_back();
  if (arguments.size() < 3 || arguments[1] != "run") return std::nullopt;
  const auto program = fs::path(arguments[0]).filename();
  if (program != "holdfast" && program != host_.self().filename()) return std::nullopt;
  const auto owner = host_.status(fmt::format("/proc/{}", pid)).owner;
  const auto run = parse_run({arguments.begin() + 2, arguments.end()}, owner);
  if (!run || run->scope != paths_.scope) return std::nullopt;
  const auto name = TunnelName::parse(run->name);
  if (!name) return std::nullopt;
  // In the system scope, the tunnel's user owns its state directory: another user's process is not the tunnel's.
  const auto expected =
      paths_.scope == Scope::system ? host_.status(paths_.state_directory(*name)).owner : host_.user().uid;
  if (owner != expected || !has_our_configuration(pid)) return std::nullopt;
  return name->text();
}

bool Survivors::has_our_configuration(pid_t pid) const {
  if (paths_.scope == Scope::system) return true;
  const auto environment = host_.read_file(fmt::format("/proc/{}/environ", pid), k_largest_environment);
  if (!environment) return false;
  auto configuration = variable_of(*environment, "XDG_CONFIG_HOME");
  if (configuration.empty() || configuration.front() != '/') {
    const auto home = variable_of(*environment, "HOME");
    configuration = (home.empty() ? host_.user().home.string() : home) + "/.config";
  }
  return (fs::path(configuration) / "holdfast").lexically_normal() == paths_.config.lexically_normal();
}

bool is_present(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  return store::is_known(host, paths, name) || !Survivors(paths, host).of(name).empty();
}

Result<std::vector<pid_t>> end_survivors(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  std::vector<pid_t> ended;
  for (const auto& process : Survivors(paths, host).of(name)) {
    if (!os::end_process(host, process, k_end_grace))
      return Error{"ending", fmt::format("supervisor {}", process.pid), "it is still running after SIGKILL", ""};
    ended.push_back(process.pid);
  }
  return ended;
}

std::optional<os::ProcessId> surviving_ssh(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  const auto kept = store::read_living_processes(host, paths, name);
  return kept ? kept->ssh : std::nullopt;
}

Result<bool> end_surviving_ssh(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  const auto kept = store::read_living_processes(host, paths, name);
  if (!kept || kept->supervisor) return false;
  for (const auto& process : {kept->autossh, kept->ssh})  // autossh would start another ssh
    if (process && !os::end_process(host, *process, k_ssh_grace))
      return Error{"ending", fmt::format("ssh (pid {})", process->pid), "it is still running after SIGKILL", ""};
  return kept->ssh || kept->autossh;
}

}  // namespace holdfast::tunnels
