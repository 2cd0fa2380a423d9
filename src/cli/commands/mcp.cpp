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
        "Tunnels that make a port of a bastion lead to this machine, kept up by systemd, cron or tmux. Look with "
        "tunnel_status first. Nothing is ever asked: what needs a person fails with an error that has a class and a "
        "hint. A host key that is unknown is shown, and accepted only when a person has said so."};

Result<ExitStatus> start(Context& context, const Arguments&) {
  if (::isatty(STDIN_FILENO) == 1)
    context.terminal.note("this speaks the Model Context Protocol, not to people; holdfast mcp installation tells how");
  mcp::Session session(k_introduction, mcp_tools());
  return mcp::serve(session, {.in = STDIN_FILENO,
                              .out = STDOUT_FILENO,
                              .program = context.host.self(),
                              .log = [&](std::string_view line) { context.terminal.detail(line); }});
}

std::string type_words(const mcp::Parameter& parameter) {
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

void tell(std::string_view text, const std::string& indent, Terminal& terminal) {
  for (const auto& line : wrapped(text, k_line_width - indent.size())) terminal.answer(indent + line);
}

void list_parameters(const mcp::Tool& tool, Terminal& terminal) {
  for (const auto& parameter : tool.parameters) {
    tell(fmt::format("{} ({}{})", parameter.name, type_words(parameter), parameter.required ? ", required" : ""),
         "    ", terminal);
    tell(parameter.description, "        ", terminal);
  }
}

Result<ExitStatus> list_tools(Context& context, const Arguments&) {
  auto& terminal = context.terminal;
  for (const auto& tool : mcp_tools()) {
    terminal.answer(std::string(tool.name));
    tell(tool.description, "  ", terminal);
    if (terminal.is_verbose()) list_parameters(tool, terminal);
  }
  return ExitStatus::done;
}

const Command& start_part() {
  static const auto description = fmt::format(
      "JSON-RPC, one message a line, protocol versions {}. Each call of a tool is carried out by a holdfast of its "
      "own, "
      "without a terminal, so that nothing can ask for anything; several may run at once. A call that the client "
      "cancels is undone. It ends when the client closes its input, after the calls that were begun.\n"
      "An agent's client starts it; holdfast mcp installation prints what to tell the client.",
      fmt::join(mcp::protocol_versions(), ", "));
  static const Command command{.name = "mcp start",
                               .synopsis = "",
                               .summary = "serve an agent on standard input and output",
                               .description = description,
                               .scoped = false,
                               .run = start};
  return command;
}

const Command& list_tools_part() {
  static const Command command{.name = "mcp list-tools",
                               .synopsis = "[-v]",
                               .summary = "show the tools that an agent is given",
                               .description = "With -v also the parameters of each.",
                               .scoped = false,
                               .run = list_tools};
  return command;
}

}  // namespace

const Command& mcp_command() {
  static const Command command{
      .name = "mcp",
      .synopsis = "COMMAND",
      .summary = "give an AI agent the tunnels, as tools",
      .description = "The Model Context Protocol, on standard input and output.",
      .scoped = false,
      .subcommands = {&start_part(), &list_tools_part(), &mcp_installation_command(), &mcp_doctor_command()}};
  return command;
}

}  // namespace holdfast::cli
