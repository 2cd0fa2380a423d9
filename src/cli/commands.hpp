// The table of commands. Help, completion and dispatch come from it; a test holds the man page to it.
#pragma once

#include "cli/command.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// Commands that help shows together.
struct CommandGroup {
  std::string_view title;
  std::vector<const Command*> commands;
};
[[nodiscard]] const std::vector<CommandGroup>& command_groups();

/// Every command, in the order of the groups.
[[nodiscard]] const std::vector<const Command*>& all_commands();

/// The same, each followed by its subcommands.
[[nodiscard]] std::vector<const Command*> all_commands_and_subcommands();

/// By its name or an alias; also a command that no list has, because only holdfast itself starts it.
[[nodiscard]] const Command* find_command(std::string_view name);

/// The subcommand `name`, such as "start" of "mcp".
[[nodiscard]] const Command* find_subcommand(const Command& command, std::string_view name);

/// The names of its subcommands as they are typed after its own name: "start".
[[nodiscard]] std::vector<std::string> subcommand_names(const Command& command);

// One file each, in commands/.
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
[[nodiscard]] const Command& with_tunnel_command();
[[nodiscard]] const Command& sidecar_command();  ///< internal
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
