#include "tunnels/survivors.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <csignal>
#include <limits>

#include <unistd.h>

namespace holdfast::tunnels {
namespace {

namespace fs = boost::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds k_end_grace{10000};  // the supervisor ends its ssh first, which may take 5 s
constexpr milliseconds k_after_kill{2000};
constexpr std::size_t k_largest_environment = 4 << 20;

/// "" when the variable is not set.
std::string variable_of(const std::string& environment, std::string_view name) {
  for (const auto& line : split(environment, '\0'))
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == '=')
      return line.substr(name.size() + 1);
  return {};
}

}  // namespace

std::vector<os::ProcessId> Survivors::of(const TunnelName& name) {
  if (!found_) search();
  std::vector<os::ProcessId> processes;
  for (const auto& found : *found_)
    if (found.name == name.text() && os::is_alive(host_, found.process)) processes.push_back(found.process);
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
  const auto* scope = paths_.scope == Scope::system ? "--system" : "--user";
  constexpr std::size_t k_arguments = 4;
  if (arguments.size() != k_arguments || arguments[1] != "run" || arguments[2] != scope) return std::nullopt;
  const auto program = fs::path(arguments[0]).filename();
  if (program != "holdfast" && program != host_.self().filename()) return std::nullopt;
  const auto name = TunnelName::parse(arguments[3]);
  if (!name) return std::nullopt;
  const auto owner = host_.status(fmt::format("/proc/{}", pid)).owner;
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

Result<std::vector<pid_t>> end_survivors(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  std::vector<pid_t> ended;
  for (const auto& process : Survivors(paths, host).of(name)) {
    host.signal(process, SIGTERM);
    if (!os::wait_for_exit(host, process, k_end_grace)) host.signal(process, SIGKILL);
    if (!os::wait_for_exit(host, process, k_after_kill))
      return Error{"ending", fmt::format("supervisor {}", process.pid), "it is still running after SIGKILL", ""};
    ended.push_back(process.pid);
  }
  return ended;
}

}  // namespace holdfast::tunnels
