// The tools of the MCP server: each runs one command, and gives its JSON as the result. docs/adr/0016 says why.
#pragma once

#include "cli/command.hpp"
#include "mcp/tool.hpp"

#include <span>
#include <string_view>

namespace holdfast::cli {

[[nodiscard]] std::span<const mcp::Tool> mcp_tools();

// From a finished command to a tool's result (answers.cpp). "success", "stdout" and "stderr" are as in scitex-tunnel.

/// For status and client-config.
[[nodiscard]] mcp::Answer tunnels_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer setup_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer remove_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer doctor_answer(const Result<os::Completed>& completed);
[[nodiscard]] mcp::Answer logs_answer(const Result<os::Completed>& completed);

// The JSON Schema (2020-12) of each tool's result (schemas.cpp).

[[nodiscard]] std::string_view status_schema();
[[nodiscard]] std::string_view setup_schema();
[[nodiscard]] std::string_view remove_schema();
[[nodiscard]] std::string_view doctor_schema();
[[nodiscard]] std::string_view logs_schema();
[[nodiscard]] std::string_view client_config_schema();

// Commands of the group mcp that have files of their own here.

[[nodiscard]] const Command& mcp_installation_command();
[[nodiscard]] const Command& mcp_doctor_command();

}  // namespace holdfast::cli
