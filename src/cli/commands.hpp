// The table of commands: help, man page and dispatch come from it.
#pragma once

#include "cli/command.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// In the order of the help.
[[nodiscard]] std::span<const Command* const> all_commands();

/// The same, and after each group its parts.
[[nodiscard]] std::vector<const Command*> all_commands_and_parts();

/// By name or former name.
[[nodiscard]] const Command* find_command(std::string_view name);

/// The part of `group` that `name` ("start" of "mcp") means.
[[nodiscard]] const Command* find_part(const Command& group, std::string_view name);

/// The names of its parts, as they are typed after its own: "start".
[[nodiscard]] std::vector<std::string> part_names(const Command& group);

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
[[nodiscard]] const Command& authorize_command();
[[nodiscard]] const Command& client_config_command();
[[nodiscard]] const Command& import_command();
[[nodiscard]] const Command& demo_command();
[[nodiscard]] const Command& completion_command();
[[nodiscard]] const Command& mcp_command();
[[nodiscard]] const Command& list_python_apis_command();
[[nodiscard]] const Command& version_command();
[[nodiscard]] const Command& help_command();

}  // namespace holdfast::cli
