// A tool as data: what it takes, what it promises, which command line of our own program carries it out.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mcp {

/// One parameter, and how its value gets onto the command line: always as "--option=value", or as an operand after
/// "--", so that no value can become an option.
struct Parameter {
  enum class Type {
    text,            ///< a string; one of `choices` where there are any
    texts,           ///< strings, each of which gives the option once more
    number,          ///< a whole number from `lowest` to `highest`
    number_or_text,  ///< either
    flag,            ///< true gives the option; false gives nothing
    choice_of_flag,  ///< one of `choices`, which is the option
  };

  std::string_view name;
  Type type = Type::text;
  std::string_view option = {};  ///< "bastion"; empty: its value is an operand
  std::string_view description = {};
  bool required = false;
  std::vector<std::string_view> choices = {};
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  Result<> (*check)(std::string_view value) = nullptr;  ///< refuses one string; nullptr accepts all
};

/// MCP's annotations.
struct Hints {
  bool read_only = false;
  bool destructive = false;
  bool idempotent = false;
  bool open_world = false;
};

/// What a call came to.
struct Answer {
  std::string structured;  ///< a JSON object that the tool's output schema describes
  bool is_error = false;
};

struct Tool {
  std::string_view name;
  std::string_view title;
  std::string_view description;
  std::vector<std::string_view> words;  ///< how its command line begins: {"status", "--json"}
  std::vector<Parameter> parameters = {};
  Hints hints = {};
  std::string_view output_schema;  ///< JSON Schema 2020-12
  /// How its command ended; or why it could not even be started, which includes arguments that cannot be meant.
  Answer (*answer)(const Result<os::Completed>&) = nullptr;
  bool goes_on_when_cancelled = false;  ///< half of it done would be worse than all of it
};

}  // namespace holdfast::mcp
