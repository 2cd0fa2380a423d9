#include "cli/commands.hpp"

#include <algorithm>
#include <array>

namespace holdfast::cli {

std::span<const Command* const> all_commands() {
  static const std::array k_commands{
      &setup_command(),
      &status_command(),
      &remove_command(),
      &start_command(),
      &stop_command(),
      &restart_command(),
      &move_command(),
      &ensure_command(),
      &hook_command(),
      &logs_command(),
      &doctor_command(),
      &authorize_command(),
      &client_config_command(),
      &import_command(),
      &demo_command(),
      &run_command(),
      &reap_command(),
      &mcp_command(),
      &list_python_apis_command(),
      &completion_command(),
      &version_command(),
      &help_command(),
  };
  return k_commands;
}

const Command* find_command(std::string_view name) {
  const auto commands = all_commands();
  const auto found = std::ranges::find_if(commands, [&](const Command* command) {
    return command->name == name || std::ranges::find(command->aliases, name) != command->aliases.end();
  });
  return found == commands.end() ? nullptr : *found;
}

std::vector<const Command*> all_commands_and_parts() {
  std::vector<const Command*> all;
  for (const auto* command : all_commands()) {
    all.push_back(command);
    all.insert(all.end(), command->parts.begin(), command->parts.end());
  }
  return all;
}

std::vector<std::string> part_names(const Command& group) {
  std::vector<std::string> names;
  for (const auto* part : group.parts) names.emplace_back(part->name.substr(group.name.size() + 1));
  return names;
}

const Command* find_part(const Command& group, std::string_view name) {
  const auto names = part_names(group);
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? nullptr : group.parts[static_cast<std::size_t>(found - names.begin())];
}

}  // namespace holdfast::cli
