#include "mcp/schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <algorithm>

namespace holdfast::mcp {
namespace {

namespace json = boost::json;
using Type = Parameter::Type;

std::vector<std::string_view> names_of(const Tool& tool) {
  std::vector<std::string_view> names;
  for (const auto& parameter : tool.parameters) names.push_back(parameter.name);
  return names;
}

json::object number_schema(const Parameter& parameter) {
  return {{"type", "integer"}, {"minimum", parameter.lowest}, {"maximum", parameter.highest}};
}

json::object type_schema(const Parameter& parameter) {
  switch (parameter.type) {
    case Type::texts:
      return {{"type", "array"}, {"items", json::object{{"type", "string"}}}};
    case Type::number:
      return number_schema(parameter);
    case Type::number_or_text:
      return {{"anyOf", json::array{number_schema(parameter), json::object{{"type", "string"}}}}};
    case Type::flag:
      return {{"type", "boolean"}};
    case Type::text:
    case Type::choice_of_flag:
      break;
  }
  json::object schema{{"type", "string"}};
  if (parameter.choices.empty()) return schema;
  json::array choices;
  for (const auto choice : parameter.choices) choices.push_back(json::string(choice));
  schema["enum"] = std::move(choices);
  return schema;
}

std::string expected_text(const Parameter& parameter) {
  auto numbers = fmt::format("a whole number from {} to {}", parameter.lowest, parameter.highest);
  switch (parameter.type) {
    case Type::texts:
      return "an array of strings";
    case Type::number:
      return numbers;
    case Type::number_or_text:
      return numbers + " or a string";
    case Type::flag:
      return "true or false";
    case Type::text:
    case Type::choice_of_flag:
      break;
  }
  return parameter.choices.empty() ? "a string" : fmt::format("one of {}", fmt::join(parameter.choices, ", "));
}

Error refused(const Parameter& parameter) {
  return usage_error(fmt::format("parameter {}", parameter.name), "expected " + expected_text(parameter));
}

/// A whole number within the bounds; 7.0 counts, since JSON has no integers.
bool is_number(const Parameter& parameter, const json::value& value) {
  boost::system::error_code inexact;
  const auto number = value.to_number<std::int64_t>(inexact);
  return !inexact && number >= parameter.lowest && number <= parameter.highest;
}

bool is_choice(const Parameter& parameter, std::string_view value) {
  return parameter.choices.empty() || std::ranges::find(parameter.choices, value) != parameter.choices.end();
}

/// The values of the option as text; an Error for another type.
Result<std::vector<std::string>> values_of(const Parameter& parameter, const json::value& value) {
  const bool takes_number = parameter.type == Type::number || parameter.type == Type::number_or_text;
  if (takes_number && value.is_number() && is_number(parameter, value))
    return std::vector{fmt::format("{}", value.to_number<std::int64_t>())};
  const bool takes_text = parameter.type == Type::text || parameter.type == Type::number_or_text;
  if ((takes_text || parameter.type == Type::choice_of_flag) && value.is_string() &&
      is_choice(parameter, value.get_string()))
    return std::vector{std::string(value.get_string())};
  if (parameter.type == Type::flag && value.is_bool())
    return value.get_bool() ? std::vector{std::string()} : std::vector<std::string>();
  if (parameter.type != Type::texts || !value.is_array()) return refused(parameter);
  std::vector<std::string> values;
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return refused(parameter);
    values.emplace_back(item.get_string());
  }
  return values;
}

std::string option_argument(const Parameter& parameter, const std::string& value) {
  if (parameter.type == Type::flag) return fmt::format("--{}", parameter.option);
  if (parameter.type == Type::choice_of_flag) return "--" + value;
  return fmt::format("--{}={}", parameter.option, value);
}

}  // namespace

json::object input_schema(const Tool& tool) {
  json::object properties;
  json::array required;
  for (const auto& parameter : tool.parameters) {
    auto schema = type_schema(parameter);
    schema["description"] = json::string(parameter.description);
    properties[parameter.name] = std::move(schema);
    if (parameter.required) required.push_back(json::string(parameter.name));
  }
  json::object schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

Result<std::vector<std::string>> command_line(const Tool& tool, const json::object& arguments) {
  for (const auto& [name, value] : arguments)
    if (std::ranges::find(tool.parameters, std::string_view(name), &Parameter::name) == tool.parameters.end())
      return usage_error("parameter " + std::string(name), fmt::format("{} has no such parameter", tool.name),
                         fmt::format("use one of {}", fmt::join(names_of(tool), ", ")));
  std::vector<std::string> command(tool.command.begin(), tool.command.end());
  std::vector<std::string> operands;
  for (const auto& parameter : tool.parameters) {
    const auto* value = arguments.if_contains(parameter.name);
    if (value == nullptr || value->is_null()) {
      if (parameter.required) return usage_error(fmt::format("parameter {}", parameter.name), "it is missing");
      continue;
    }
    HOLDFAST_TRY(const auto values, values_of(parameter, *value));
    if (parameter.check != nullptr)
      for (const auto& text : values) HOLDFAST_CHECK(parameter.check(text));
    const bool is_operand = parameter.option.empty() && parameter.type != Type::choice_of_flag;
    for (const auto& text : values)
      if (is_operand)
        operands.push_back(text);
      else
        command.push_back(option_argument(parameter, text));
  }
  if (!operands.empty()) {
    command.emplace_back("--");
    command.insert(command.end(), operands.begin(), operands.end());
  }
  return command;
}

}  // namespace holdfast::mcp
