#include "cli/commands.hpp"
#include "cli/mcp/tools.hpp"
#include "cli/output/table.hpp"
#include "mcp/server.hpp"
#include "mcp/session.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

constexpr mcp::Introduction k_introduction{
    .name = "holdfast",
    .title = "holdfast: persistent SSH reverse tunnels",
    .version = HOLDFAST_VERSION,
    .instructions =
        "Reverse SSH tunnels: a bastion's port is forwarded to this machine. systemd, cron or tmux keeps them running. "
        "Call tunnel_status first. Tools never prompt: if manual action is needed, the call fails with an error class "
        "and a hint. For an unknown host key, it shows the fingerprint. A person must check it."};

Result<ExitStatus> start(Context& context, const Arguments&) {
  if (::isatty(STDIN_FILENO) == 1)
    context.terminal.note(
        "this speaks the Model Context Protocol; holdfast mcp installation shows how to connect an agent");
  mcp::Session session(k_introduction, mcp_tools());
  return mcp::serve(session, {.in = STDIN_FILENO,
                              .out = STDOUT_FILENO,
                              .program = context.host.self(),
                              .log = [&](std::string_view line) { context.terminal.detail(line); }});
}

std::string type_text(const mcp::Parameter& parameter) {
  using Type = mcp::Parameter::Type;
  switch (parameter.type) {
    case Type::texts:
      return "strings";
    case Type::number:
      return "number";
    case Type::number_or_text:
      return "number or string";
    case Type::flag:
      return "boolean";
    case Type::text:
    case Type::choice_of_flag:
      break;
  }
  return parameter.choices.empty() ? "string" : fmt::format("{}", fmt::join(parameter.choices, " | "));
}

void print_wrapped(std::string_view text, const std::string& indent, Terminal& terminal) {
  for (const auto& line : wrapped(text, k_line_width - indent.size())) terminal.answer(indent + line);
}

void list_parameters(const mcp::Tool& tool, Terminal& terminal) {
  for (const auto& parameter : tool.parameters) {
    print_wrapped(
        fmt::format("{} ({}{})", parameter.name, type_text(parameter), parameter.required ? ", required" : ""), "    ",
        terminal);
    print_wrapped(parameter.description, "        ", terminal);
  }
}

Result<ExitStatus> list_tools(Context& context, const Arguments&) {
  auto& terminal = context.terminal;
  for (const auto& tool : mcp_tools()) {
    terminal.answer(std::string(tool.name));
    print_wrapped(tool.description, "  ", terminal);
    if (terminal.is_verbose()) list_parameters(tool, terminal);
  }
  return ExitStatus::done;
}

const Command& mcp_start_command() {
  static const auto description = fmt::format(
      "Speaks JSON-RPC, one message a line, in the protocol versions {}. Each tool call runs a holdfast process "
      "without a terminal, so that nothing can prompt. Calls may run in parallel. A call that the client cancels is "
      "undone. The server ends when the client closes its input, after the running calls.\n"
      "The agent's client starts it; holdfast mcp installation prints the client's configuration.",
      fmt::join(mcp::protocol_versions(), ", "));
  static const Command command{.name = "mcp start",
                               .synopsis = "",
                               .summary = "run the MCP server on standard input and output",
                               .description = description,
                               .scoped = false,
                               .run = start};
  return command;
}

const Command& mcp_list_tools_command() {
  static const Command command{.name = "mcp list-tools",
                               .synopsis = "[-v]",
                               .summary = "list the tools for agents",
                               .description = "With -v it also lists their parameters.",
                               .scoped = false,
                               .run = list_tools};
  return command;
}

}  // namespace

const Command& mcp_command() {
  static const Command command{.name = "mcp",
                               .synopsis = "COMMAND",
                               .summary = "let an AI agent manage tunnels (Model Context Protocol)",
                               .description = "An MCP server on standard input and output, and commands to set it up.",
                               .scoped = false,
                               .subcommands = {&mcp_start_command(), &mcp_list_tools_command(),
                                               &mcp_installation_command(), &mcp_doctor_command()}};
  return command;
}

}  // namespace holdfast::cli
