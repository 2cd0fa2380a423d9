// A tool's parameters as JSON Schema, and a call's arguments as a command line. Private to mcp.
#pragma once

#include "mcp/tool.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <vector>

namespace holdfast::mcp {

/// JSON Schema 2020-12.
[[nodiscard]] boost::json::object input_schema(const Tool& tool);

/// What `arguments` make of the tool's command line. null stands for an argument that is not given. Usage errors: what
/// the schema does not allow.
[[nodiscard]] Result<std::vector<std::string>> command_words(const Tool& tool, const boost::json::object& arguments);

}  // namespace holdfast::mcp
