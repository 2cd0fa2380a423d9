// The process operations of PosixHost. Private to os.
#pragma once

#include "os/host.hpp"

namespace holdfast::os {

[[nodiscard]] std::optional<fs::path> find_in_path(const std::string& program);
[[nodiscard]] Result<Completed> run_command(const Command& command, std::chrono::milliseconds deadline);
/// From now on a command of run_command() gets SIGKILL when this process ends. For a process that only reads.
void kill_commands_with_us() noexcept;
[[nodiscard]] Result<ProcessId> start_detached_process(const Detached& detached);
[[nodiscard]] std::optional<ProcessId> find_process(pid_t pid);
/// A descriptor that poll(2) finds readable once the process has ended; -1 before Linux 5.3.
[[nodiscard]] int open_pidfd(pid_t pid) noexcept;
[[nodiscard]] std::string this_boot_id();
[[nodiscard]] std::string this_hostname();

}  // namespace holdfast::os
