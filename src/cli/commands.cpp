#include "cli/commands.hpp"

#include <algorithm>

namespace holdfast::cli {

const std::vector<CommandGroup>& command_groups() {
  static const std::vector<CommandGroup> k_groups{
      {"everyday",
       {&setup_command(), &status_command(), &start_command(), &stop_command(), &restart_command(), &remove_command()}},
      {"looking into it", {&logs_command(), &doctor_command(), &demo_command(), &help_command(), &version_command()}},
      {"moving in and out",
       {&client_config_command(), &authorize_command(), &with_tunnel_command(), &move_command(), &import_command(),
        &hook_command()}},
      {"for programs",
       {&ensure_command(), &run_command(), &reap_command(), &mcp_command(), &list_python_apis_command(),
        &completion_command()}}};
  return k_groups;
}

const std::vector<const Command*>& all_commands() {
  static const auto k_commands = [] {
    std::vector<const Command*> commands;
    for (const auto& group : command_groups())
      commands.insert(commands.end(), group.commands.begin(), group.commands.end());
    return commands;
  }();
  return k_commands;
}

const Command* find_command(std::string_view name) {
  if (name == sidecar_command().name) return &sidecar_command();
  const auto& commands = all_commands();
  const auto found = std::ranges::find_if(commands, [&](const Command* command) {
    return command->name == name || std::ranges::find(command->aliases, name) != command->aliases.end();
  });
  return found == commands.end() ? nullptr : *found;
}

std::vector<const Command*> all_commands_and_subcommands() {
  std::vector<const Command*> all;
  for (const auto* command : all_commands()) {
    all.push_back(command);
    all.insert(all.end(), command->subcommands.begin(), command->subcommands.end());
  }
  return all;
}

std::vector<std::string> subcommand_names(const Command& command) {
  std::vector<std::string> names;
  for (const auto* subcommand : command.subcommands)
    names.emplace_back(subcommand->name.substr(command.name.size() + 1));
  return names;
}

const Command* find_subcommand(const Command& command, std::string_view name) {
  const auto names = subcommand_names(command);
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? nullptr : command.subcommands[static_cast<std::size_t>(found - names.begin())];
}

}  // namespace holdfast::cli
