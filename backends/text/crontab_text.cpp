#include "backends/text/crontab_text.hpp"

#include "core/text.hpp"

namespace holdfast::backends {
Result<std::string> encode_crontab_word(std::string_view word) {
  if (has_control_bytes(word))
    return Error{"writing into a crontab", "\"" + std::string(word) + "\"", "it contains a control byte", ""};
  if (consists_of(word, "+:,./-_")) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    switch (c) {
      case '\'':
        out += R"('\'')";
        break;
      case '%':  // cron removes the backslash before the shell sees it
        out += R"(\%)";
        break;
      case '\\':  // never two in a row, which some crons turn into one, and never before a "%"
        out += R"(\'')";
        break;
      default:
        out += c;
    }
  }
  return out + '\'';
}

Result<std::string> encode_crontab_assignment(std::string_view key, std::string_view value) {
  if (!is_variable_name(key))
    return Error{"writing into a crontab", "\"" + std::string(key) + "\"", "it is not a variable name", ""};
  if (value.empty()) return std::string(key) + '=';
  HOLDFAST_TRY(const auto word, encode_crontab_word(value));
  return std::string(key) + '=' + word;
}

}  // namespace holdfast::backends
