// The table of commands: help, man page and dispatch come from it.
#pragma once

#include "cli/command.hpp"

#include <span>
#include <string_view>

namespace holdfast::cli {

/// In the order of the help.
[[nodiscard]] std::span<const Command* const> all_commands();

/// By name or former name.
[[nodiscard]] const Command* find_command(std::string_view name);

/// A command that is promised but not in this version.
[[nodiscard]] bool is_future_command(std::string_view name);

// One file each.
[[nodiscard]] const Command& setup_command();
[[nodiscard]] const Command& status_command();
[[nodiscard]] const Command& remove_command();
[[nodiscard]] const Command& start_command();
[[nodiscard]] const Command& stop_command();
[[nodiscard]] const Command& restart_command();
[[nodiscard]] const Command& move_command();
[[nodiscard]] const Command& ensure_command();
[[nodiscard]] const Command& hook_command();
[[nodiscard]] const Command& logs_command();
[[nodiscard]] const Command& run_command();
[[nodiscard]] const Command& reap_command();
[[nodiscard]] const Command& doctor_command();
[[nodiscard]] const Command& client_config_command();
[[nodiscard]] const Command& demo_command();
[[nodiscard]] const Command& completion_command();
[[nodiscard]] const Command& version_command();
[[nodiscard]] const Command& help_command();

}  // namespace holdfast::cli
