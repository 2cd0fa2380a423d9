// A tool as data: its parameters, its hints, and the command line of holdfast that runs it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mcp {

/// One parameter. Its value becomes "--option=value" or an operand after "--", so that no value can become an option.
struct Parameter {
  enum class Type {
    text,            ///< a string; one of `choices` unless that is empty
    texts,           ///< strings; the option is repeated for each
    number,          ///< a whole number from `lowest` to `highest`
    number_or_text,  ///< either
    flag,            ///< true adds the option
    choice_of_flag,  ///< one of `choices`, which is the name of the option
  };

  std::string_view name;
  Type type = Type::text;
  std::string_view option = {};  ///< "bastion"; empty for an operand
  std::string_view description = {};
  bool required = false;
  std::vector<std::string_view> choices = {};
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  Result<> (*check)(std::string_view value) = nullptr;  ///< validates one string; nullptr accepts all
};

/// MCP's annotations.
struct Hints {
  bool read_only = false;
  bool destructive = false;
  bool idempotent = false;
  bool open_world = false;
};

/// The result of a call.
struct Answer {
  std::string structured;  ///< a JSON object that matches the output schema
  bool is_error = false;
};

struct Tool {
  std::string_view name;
  std::string_view title;
  std::string_view description;
  std::vector<std::string_view> command;  ///< the beginning of the command line: {"status", "--json"}
  std::vector<Parameter> parameters = {};
  Hints hints = {};
  std::string_view output_schema;  ///< JSON Schema 2020-12
  /// Converts the completed command, or the Error when it could not start; invalid arguments are such an Error.
  Answer (*answer)(const Result<os::Completed>&) = nullptr;
  bool ignores_cancel = false;  ///< an interrupted command would leave a partial result
};

}  // namespace holdfast::mcp
