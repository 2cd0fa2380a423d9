#include "core/json.hpp"

#include "core/text.hpp"

#include <boost/json.hpp>

namespace holdfast {

namespace json = boost::json;

json::string json_text(std::string_view text) { return {printable(text)}; }

json::string json_lines(std::string_view text) {
  std::string out;
  for (const auto& line : split(text, '\n')) out += (out.empty() ? "" : "\n") + printable(line);
  return {out};
}

json::array json_array(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.push_back(json_lines(text));
  return array;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json_text(text));
}

json::value text_or_null(const std::optional<std::string>& text) { return text_or_null(text.value_or("")); }

std::optional<json::object> parse_json_object(std::string_view text, const JsonLimits& limits) {
  json::parse_options options;
  options.max_depth = limits.max_depth;
  options.allow_invalid_utf8 = limits.any_bytes;
  boost::system::error_code failed;
  json::value value = json::parse(text, failed, {}, options);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

std::optional<std::vector<std::string>> texts_member(const json::object& object, std::string_view name) {
  const json::array* array = array_member(object, name);
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const json::value& item : *array) {
    const json::string* text = item.if_string();
    if (text == nullptr) return std::nullopt;
    texts.emplace_back(*text);
  }
  return texts;
}

std::optional<bool> flag_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || !value->is_bool() ? std::nullopt : std::optional(value->get_bool());
}

std::optional<std::uint64_t> number_member(const json::object& object, std::string_view name, std::uint64_t highest) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !(value->is_int64() || value->is_uint64())) return std::nullopt;
  boost::system::error_code failed;
  const auto number = value->to_number<std::uint64_t>(failed);
  return failed || number > highest ? std::nullopt : std::optional(number);
}

std::optional<double> real_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code failed;
  const auto number = value->to_number<double>(failed);
  return failed ? std::nullopt : std::optional(number);
}

const json::object* object_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

}  // namespace holdfast
