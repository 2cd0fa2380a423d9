#include "ssh/autossh/autossh_process.hpp"

#include "core/text.hpp"
#include "ssh/client/master.hpp"

#include <chrono>
#include <csignal>
#include <limits>
#include <string>

namespace holdfast::ssh {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_after_sigterm{3000};  // it waits for its ssh, for ever when that is stopped
constexpr milliseconds k_after_sigkill{1000};

std::optional<pid_t> parent_of(const os::Host& host, pid_t pid) {
  const auto status = host.read_file("/proc/" + std::to_string(pid) + "/status");  // proc(5)
  if (!status) return std::nullopt;
  constexpr std::string_view k_key = "PPid:";
  for (const auto& line : split(*status, '\n'))
    if (line.starts_with(k_key))
      if (const auto parent = parse_number(trim(std::string_view(line).substr(k_key.size())), 2,
                                           std::numeric_limits<std::int32_t>::max()))
        return static_cast<pid_t>(*parent);
  return std::nullopt;
}

}  // namespace

std::optional<os::ProcessId> find_autossh_process(const os::Host& host, const boost::filesystem::path& control,
                                                  const std::optional<os::ProcessId>& known) {
  if (known && os::is_alive(host, *known)) return process_of_socket(host, known->pid, control);
  const auto master = find_master(host, control);
  const auto parent = master ? parent_of(host, master->pid) : std::nullopt;
  return parent ? process_of_socket(host, *parent, control) : std::nullopt;
}

Result<bool> end_autossh(const boost::filesystem::path& control, os::Host& host,
                         const std::optional<os::ProcessId>& known) {
  const auto process = find_autossh_process(host, control, known);
  if (!process) return false;
  host.signal(*process, SIGTERM);
  if (os::wait_for_exit(host, *process, k_after_sigterm)) return true;
  host.signal(*process, SIGKILL);
  if (os::wait_for_exit(host, *process, k_after_sigkill)) return true;
  return Error{"ending", "autossh (pid " + std::to_string(process->pid) + ")", "it does not exit after SIGKILL",
               "see what it waits for: ps -o stat,wchan -p " + std::to_string(process->pid)};
}

}  // namespace holdfast::ssh
