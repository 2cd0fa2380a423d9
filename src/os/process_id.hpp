// The identity of a process as a line of text: for a file that means something on a shared home and after a reboot.
#pragma once

#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::os {

/// "pid start-time boot-id host\n"
[[nodiscard]] std::string format_process_id(const ProcessId& process);
/// Nothing for any other text.
[[nodiscard]] std::optional<ProcessId> parse_process_id(std::string_view text);

/// Of this thread, the process's own in its first one: what is named by it is no other thread's and no other process's
/// of this machine, gettid(2).
[[nodiscard]] pid_t thread_id() noexcept;

}  // namespace holdfast::os
