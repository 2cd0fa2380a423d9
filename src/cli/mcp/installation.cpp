#include "cli/mcp/tools.hpp"

#include "core/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>

namespace holdfast::cli {
namespace {

namespace json = boost::json;

// Clients start a server with HOME, PATH and few other variables. Their configuration must set these.
constexpr std::array k_variables{"HOLDFAST_BASTION",
                                 "HOLDFAST_IDENTITY",
                                 "HOLDFAST_BACKENDS",
                                 "SCITEX_TUNNEL_BASTION_SERVER",
                                 "SCITEX_TUNNEL_SECRET_KEY_PATH",
                                 "SCITEX_SSH_BASTION_SERVER",
                                 "SCITEX_SSH_SECRET_KEY_PATH",
                                 "XDG_CONFIG_HOME",
                                 "XDG_STATE_HOME"};

std::vector<std::pair<std::string, std::string>> set_variables(const Context& context) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto* name : k_variables)
    if (const auto value = context.variables.get(name)) variables.emplace_back(name, printable(*value));
  return variables;
}

json::object server_value(const Context& context) {
  json::object server{{"command", printable(context.host.self().string())}, {"args", json::array{"mcp", "start"}}};
  json::object environment;
  for (const auto& [name, value] : set_variables(context)) environment[name] = value;
  if (!environment.empty()) server["env"] = std::move(environment);
  return server;
}

std::string claude_code_command(const Context& context) {
  std::string command = "claude mcp add holdfast";
  for (const auto& [name, value] : set_variables(context))
    command += fmt::format(" --env {}", shell_quote(fmt::format("{}={}", name, value)));
  return command + " -- " + shell_quote(context.host.self().string()) + " mcp start";
}

/// Indented by two, one member a line; an array stays on one line.
std::string pretty(const json::object& object, const std::string& indent = "") {
  std::string out = "{\n";
  std::size_t left = object.size();
  for (const auto& [key, value] : object) {
    out += fmt::format("{}  {}: ", indent, json::serialize(key));
    out += value.is_object() ? pretty(value.get_object(), indent + "  ") : json::serialize(value);
    out += --left > 0 ? ",\n" : "\n";
  }
  return out + indent + "}";
}

Result<ExitStatus> show_installation(Context& context, const Arguments& arguments) {
  const json::object servers{{"mcpServers", json::object{{"holdfast", server_value(context)}}}};
  auto& terminal = context.terminal;
  if (arguments.has("json")) {
    terminal.answer(pretty(servers));
    return ExitStatus::done;
  }
  terminal.answer("Claude Code:\n\n  " + claude_code_command(context));
  terminal.answer(
      "\nClaude Desktop, in claude_desktop_config.json (on Linux in ~/.config/Claude, on macOS in\n"
      "~/Library/Application Support/Claude), and most other clients, in their own file:\n\n" +
      pretty(servers));
  terminal.answer("\nAn agent on another machine, through ssh with a key that may log in here:\n\n  ssh HOST " +
                  shell_quote(context.host.self().string()) + " mcp start");
  terminal.note("to test it: holdfast mcp doctor");
  return ExitStatus::done;
}

}  // namespace

const Command& mcp_installation_command() {
  static const Command command{.name = "mcp installation",
                               .synopsis = "[--json]",
                               .summary = "print the configuration for an agent's client",
                               .description =
                                   "For Claude Code, Claude Desktop, and other clients that read the same JSON. It "
                                   "contains the path of this program "
                                   "and the variables of holdfast that are set now, because clients pass only a few.",
                               .options = {{"json", "", "print only the JSON"}},
                               .scoped = false,
                               .run = show_installation};
  return command;
}

}  // namespace holdfast::cli
