#include "os/stopped_process.hpp"

#include "core/text.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace holdfast::os {
namespace {

/// The file of the process in /proc; "" when it cannot be read.
std::string proc_text(const Host& host, pid_t pid, std::string_view name) {
  const auto text = host.read_file(fs::path("/proc") / std::to_string(pid) / std::string(name));
  return text ? *text : std::string();
}

// cgroups(7): version 2 has the line "0::PATH".
bool is_frozen(const Host& host, pid_t pid) {
  constexpr std::string_view k_unified = "0::/";
  for (const auto& line : split(proc_text(host, pid, "cgroup"), '\n')) {
    if (!line.starts_with(k_unified)) continue;
    const auto events = host.read_file(fs::path("/sys/fs/cgroup") / line.substr(k_unified.size()) / "cgroup.events");
    return events && ("\n" + *events).find("\nfrozen 1") != std::string::npos;
  }
  return false;
}

char state_of(const Host& host, pid_t pid) {
  const auto stat = proc_text(host, pid, "stat");
  // The command's name stands in parentheses and may hold any byte. proc(5)
  const auto close = stat.rfind(") ");
  return close != std::string::npos && close + 2 < stat.size() ? stat[close + 2] : '?';
}

}  // namespace

bool is_stopped(const Host& host, pid_t pid) {
  const char state = state_of(host, pid);
  return state == 'T' || state == 't' || is_frozen(host, pid);
}

std::optional<std::string> uninterruptible_wait(const Host& host, pid_t pid) {
  if (state_of(host, pid) != 'D') return std::nullopt;
  constexpr std::string_view k_switches = "voluntary_ctxt_switches:";
  for (auto& line : split(proc_text(host, pid, "status"), '\n'))
    if (line.starts_with(k_switches)) return std::move(line);
  return std::string();
}

}  // namespace holdfast::os
