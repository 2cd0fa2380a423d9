#include "cli/mcp_tools.hpp"

#include "cli/mcp_answer.hpp"
#include "cli/mcp_schemas.hpp"

namespace holdfast::cli {
namespace {

using mcp::Parameter;
using Type = mcp::Parameter::Type;

constexpr std::int64_t k_highest_port = 65535;

const Parameter& scope_parameter() {
  static const Parameter parameter{
      .name = "scope",
      .type = Type::choice_of_flag,
      .description = "whose tunnels: user (your own, the default for everybody but root) or system (the machine's)",
      .choices = {"user", "system"}};
  return parameter;
}

mcp::Tool status_tool() {
  return {.name = "tunnel_status",
          .title = "Show tunnels",
          .description =
              "Shows whether reverse SSH tunnels are up, verified end to end, and if not why and what to do. Without "
              "port and name: all of them. Changes nothing.",
          .words = {"status", "--json"},
          .parameters = {{.name = "port",
                          .type = Type::number,
                          .option = "port",
                          .description = "only tunnels that listen on this port of their bastion",
                          .lowest = 1,
                          .highest = k_highest_port},
                         {.name = "name", .description = "only the tunnel of this name, in place of port"},
                         scope_parameter()},
          .hints = {.read_only = true, .idempotent = true},
          .output_schema = status_schema(),
          .answer = status_answer};
}

}  // namespace

std::span<const mcp::Tool> mcp_tools() {
  static const std::vector<mcp::Tool> tools{status_tool()};
  return tools;
}

}  // namespace holdfast::cli
