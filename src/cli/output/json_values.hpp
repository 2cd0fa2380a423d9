// Values for --json, from texts that may hold any byte. For .cpp files only: Boost.JSON is heavy.
#pragma once

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

namespace json = boost::json;

/// `bytes` as one line. Control bytes and invalid UTF-8 are escaped, because JSON is UTF-8.
[[nodiscard]] json::string json_text(std::string_view bytes);

/// The same, but line breaks stay.
[[nodiscard]] json::string json_lines(std::string_view bytes);

/// Each text as one element, with json_lines().
[[nodiscard]] json::array json_array(const std::vector<std::string>& texts);

/// Null for no value and for an empty text.
[[nodiscard]] json::value text_or_null(const std::string& text);
[[nodiscard]] json::value text_or_null(const std::optional<std::string>& text);

template <class T>
[[nodiscard]] json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

}  // namespace holdfast::cli
