#include "cli/mcp/tools.hpp"

#include "core/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>

namespace holdfast::cli {
namespace {

namespace json = boost::json;

// Clients start a server with HOME, PATH and little else: what shapes our answers here has to be told to them.
constexpr std::array k_told_variables{"HOLDFAST_BASTION",
                                      "HOLDFAST_IDENTITY",
                                      "HOLDFAST_BACKENDS",
                                      "SCITEX_TUNNEL_BASTION_SERVER",
                                      "SCITEX_TUNNEL_SECRET_KEY_PATH",
                                      "XDG_CONFIG_HOME",
                                      "XDG_STATE_HOME"};

std::vector<std::pair<std::string, std::string>> told_variables(const Context& context) {
  std::vector<std::pair<std::string, std::string>> told;
  for (const auto* name : k_told_variables)
    if (const auto value = context.variables.get(name)) told.emplace_back(name, printable(*value));
  return told;
}

json::object server_value(const Context& context) {
  json::object server{{"command", printable(context.host.self().string())}, {"args", json::array{"mcp", "start"}}};
  json::object environment;
  for (const auto& [name, value] : told_variables(context)) environment[name] = value;
  if (!environment.empty()) server["env"] = std::move(environment);
  return server;
}

std::string claude_code_command(const Context& context) {
  std::string command = "claude mcp add holdfast";
  for (const auto& [name, value] : told_variables(context)) command += " --env " + shell_quote(name + "=" + value);
  return command + " -- " + shell_quote(context.host.self().string()) + " mcp start";
}

/// Indented by two, objects and what is in them one to a line; arrays of words stay in one.
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
  terminal.answer("\nAn agent on another machine, through ssh with a key that opens this one:\n\n  ssh HOST " +
                  shell_quote(context.host.self().string()) + " mcp start");
  terminal.note("holdfast mcp doctor tries it as a client would");
  return ExitStatus::done;
}

}  // namespace

const Command& mcp_installation_command() {
  static const Command command{
      .name = "mcp installation",
      .synopsis = "[--json]",
      .summary = "print what to tell an agent's client, ready to paste",
      .description =
          "For Claude Code, Claude Desktop and clients that read the same JSON. It names this very program, and the "
          "variables that are set now and shape what holdfast does, because clients pass on hardly any.",
      .options = {{"json", "", "print the JSON alone"}},
      .scoped = false,
      .run = show_installation};
  return command;
}

}  // namespace holdfast::cli
