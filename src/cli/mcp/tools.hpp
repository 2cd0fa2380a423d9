// The tools that an agent is given: a table, each row a command of ours.
#pragma once

#include "mcp/tool.hpp"

#include <span>

namespace holdfast::cli {

[[nodiscard]] std::span<const mcp::Tool> mcp_tools();

}  // namespace holdfast::cli
