#include "store/kept_processes.hpp"

#include "core/text.hpp"
#include "os/process_id.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

namespace holdfast::store {
namespace {

constexpr std::size_t k_largest = 8 * 1024;
const std::string k_none = "-";

std::string line_of(const std::optional<os::ProcessId>& process) {
  return process ? os::format_process_id(*process) : k_none + "\n";
}

/// False for a line that is no process.
bool read_line(const std::string& line, std::optional<os::ProcessId>& process) {
  if (line != k_none) process = os::parse_process_id(line + "\n");
  return line == k_none || process;
}

/// The user that the tunnel runs as. In the system scope that user owns the state directory, and can write this file:
/// it must not make root end another user's process.
uid_t owner_of(const os::Host& host, const Paths& paths, const TunnelName& name) {
  return paths.scope == Scope::system ? host.status(paths.state_directory(name)).owner : host.user().uid;
}

}  // namespace

fs::path processes_file(const Paths& paths, const TunnelName& name) { return paths.state_file(name, "processes"); }

std::string format_kept_processes(const KeptProcesses& kept) {
  return os::format_process_id(kept.supervisor) + line_of(kept.ssh) + line_of(kept.autossh) +
         kept.runtime_dir.native() + "\n";
}

std::optional<KeptProcesses> parse_kept_processes(std::string_view text) {
  const auto lines = split(text, '\n');
  if (lines.size() != 5 || !lines[4].empty()) return std::nullopt;
  const auto supervisor = os::parse_process_id(lines[0] + "\n");
  if (!supervisor) return std::nullopt;
  KeptProcesses kept{*supervisor, lines[3]};
  const bool is_sound = read_line(lines[1], kept.ssh) && read_line(lines[2], kept.autossh) &&
                        kept.runtime_dir.is_absolute() && !has_control_bytes(lines[3]);
  return is_sound ? std::optional(kept) : std::nullopt;
}

std::optional<LivingProcesses> read_living_processes(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const auto file = processes_file(paths, name);
  const uid_t owner = owner_of(host, paths, name);
  const os::FileStatus status = host.status(file);
  if (status.kind != os::FileKind::regular || status.owner != owner || (status.mode & k_others_write) != 0)
    return std::nullopt;
  const auto text = host.read_file(file, k_largest);
  const auto kept = text ? parse_kept_processes(*text) : std::nullopt;
  if (!kept) return std::nullopt;
  const auto living = [&](const std::optional<os::ProcessId>& process) {
    const bool is_ours =
        process && os::is_alive(host, *process) && host.status(fmt::format("/proc/{}", process->pid)).owner == owner;
    // Checked again, so that both hold for one process and not for a reused pid.
    return is_ours && os::is_alive(host, *process) ? process : std::nullopt;
  };
  return LivingProcesses{living(kept->supervisor), living(kept->ssh), living(kept->autossh), kept->runtime_dir};
}

Result<> keep_processes(os::Host& host, const Paths& paths, const TunnelName& name, const KeptProcesses& kept) {
  // A crash of the machine ends the processes, too.
  return host.write_volatile_file(processes_file(paths, name), format_kept_processes(kept), k_private_mode);
}

}  // namespace holdfast::store
