#include "cli/output/json_values.hpp"

#include "core/text.hpp"

namespace holdfast::cli {

json::string json_text(std::string_view bytes) { return {printable(bytes)}; }

json::string json_lines(std::string_view bytes) {
  std::string text;
  for (const auto& line : split(bytes, '\n')) text += (text.empty() ? "" : "\n") + printable(line);
  return {text};
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

}  // namespace holdfast::cli
