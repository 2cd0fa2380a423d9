// JSON values from text of any origin, and members of JSON objects of any origin.
#pragma once

#include <boost/json/fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// A JSON string: JSON is UTF-8, so control bytes and invalid UTF-8 come out escaped, as by printable().
[[nodiscard]] boost::json::string json_text(std::string_view text);
/// The same for text of several lines, whose line breaks stay.
[[nodiscard]] boost::json::string json_lines(std::string_view text);
/// Each text by json_lines().
[[nodiscard]] boost::json::array json_array(const std::vector<std::string>& texts);
/// null for no text and for an empty one.
[[nodiscard]] boost::json::value text_or_null(const std::string& text);
[[nodiscard]] boost::json::value text_or_null(const std::optional<std::string>& text);

/// A number, a flag or null.
template <class T, class Value = boost::json::value>
[[nodiscard]] Value or_null(const std::optional<T>& value) {
  return value ? Value(*value) : Value(nullptr);
}

struct JsonLimits {
  std::size_t max_depth = 32;
  bool any_bytes = false;  ///< accept strings that are not UTF-8
};
/// Nothing when `text` is not one JSON object within the limits.
[[nodiscard]] std::optional<boost::json::object> parse_json_object(std::string_view text,
                                                                   const JsonLimits& limits = {});

/// A member by name; nothing when it is missing, null or of another type.
[[nodiscard]] std::optional<std::string> text_member(const boost::json::object& object, std::string_view name);
[[nodiscard]] std::optional<std::vector<std::string>> texts_member(const boost::json::object& object,
                                                                   std::string_view name);
[[nodiscard]] std::optional<bool> flag_member(const boost::json::object& object, std::string_view name);
[[nodiscard]] std::optional<std::uint64_t> number_member(const boost::json::object& object, std::string_view name,
                                                         std::uint64_t highest);
[[nodiscard]] std::optional<double> real_member(const boost::json::object& object, std::string_view name);
[[nodiscard]] const boost::json::object* object_member(const boost::json::object& object, std::string_view name);
[[nodiscard]] const boost::json::array* array_member(const boost::json::object& object, std::string_view name);

}  // namespace holdfast
