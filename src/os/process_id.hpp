// A ProcessId as a line of text, for pidfiles and other state files.
#pragma once

#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::os {

/// "pid start-time boot-id host\n"
[[nodiscard]] std::string format_process_id(const ProcessId& process);
/// Empty for any other text.
[[nodiscard]] std::optional<ProcessId> parse_process_id(std::string_view text);

/// gettid(2): unique among all threads and processes of this machine.
[[nodiscard]] pid_t thread_id() noexcept;

}  // namespace holdfast::os
