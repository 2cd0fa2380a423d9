#include "backends/text/crontab_text.hpp"

#include "core/text.hpp"

#include <algorithm>

namespace holdfast::backends {
namespace {

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_plain_word(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("+:,./-_").find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<std::string> encode_crontab_word(std::string_view word) {
  if (has_control_bytes(word))
    return Error{"writing into a crontab", "\"" + std::string(word) + "\"", "it contains a control byte", ""};
  if (is_plain_word(word)) return std::string(word);
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
  const bool fine = !key.empty() && !is_digit(key.front()) &&
                    std::ranges::all_of(key, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
  if (!fine) return Error{"writing into a crontab", "\"" + std::string(key) + "\"", "it is not a variable name", ""};
  if (value.empty()) return std::string(key) + '=';
  HOLDFAST_TRY(const auto word, encode_crontab_word(value));
  return std::string(key) + '=' + word;
}

}  // namespace holdfast::backends
