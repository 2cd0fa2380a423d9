// Converts the parameters of a tool to JSON Schema, and the arguments of a call to a command line. Private to mcp.
#pragma once

#include "mcp/tool.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

namespace holdfast::mcp {

/// JSON Schema 2020-12.
[[nodiscard]] boost::json::object input_schema(const Tool& tool);

/// The command line of the tool for `arguments`. null counts as missing. A usage error for arguments that do not match
/// the schema.
[[nodiscard]] Result<std::vector<std::string>> command_line(const Tool& tool, const boost::json::object& arguments);

}  // namespace holdfast::mcp
