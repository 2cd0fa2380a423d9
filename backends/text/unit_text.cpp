#include "backends/text/unit_text.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::backends {
namespace {

Error refusal(std::string_view what, std::string_view value, std::string cause, std::string hint = {}) {
  return Error{"writing a systemd unit with", fmt::format("{} \"{}\"", what, std::string(value.substr(0, 200))),
               std::move(cause), std::move(hint)};
}

// systemd ends a line at a newline even inside quotes, and drops lines that are not UTF-8.
Result<> require_printable(std::string_view what, std::string_view value) {
  if (printable(value) != value) return refusal(what, value, "it contains a control character or invalid UTF-8");
  return {};
}

std::string in_quotes(std::string_view value, bool dollar_expands) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || (c == '$' && dollar_expands)) out += c;
    out += c;
  }
  return out + '"';
}

// The KEY of an @KEY@ that begins at `at`; empty when none does.
std::string_view placeholder_at(std::string_view line, std::size_t at) noexcept {
  if (line[at] != '@') return {};
  const auto end = line.find('@', at + 1);
  if (end == std::string_view::npos) return {};
  const auto key = line.substr(at + 1, end - at - 1);
  const bool fine = std::all_of(key.begin(), key.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  return fine ? key : std::string_view{};
}

}  // namespace

Result<std::string> encode_exec_line(const std::vector<std::string>& argv) {
  if (argv.empty() || argv[0].empty() || argv[0][0] != '/')
    return refusal("program", argv.empty() ? "" : argv[0], "it is not an absolute path");
  // "$$" stands for "$" in an argument, but not in the program path, where systemd expands no variables.
  if (argv[0].find_first_of("\"'\\$") != std::string::npos)
    return refusal("program", argv[0], "systemd cannot start a program whose path contains a quote, a backslash or a $",
                   "move the program to another path, such as ~/.local/bin");
  std::string line;
  for (const auto& argument : argv) {
    HOLDFAST_CHECK(require_printable("argument", argument));
    if (!line.empty()) line += ' ';
    line += in_quotes(argument, true);
  }
  return line;
}

Result<std::string> encode_environment(std::string_view key, std::string_view value) {
  if (!is_variable_name(key)) return refusal("variable", key, "it is not a variable name");
  HOLDFAST_CHECK(require_printable(fmt::format("variable {} =", key), value));
  return in_quotes(fmt::format("{}={}", key, value), false);
}

Result<std::string> encode_path(std::string_view path) {
  HOLDFAST_CHECK(require_printable("path", path));
  if (path.empty() || path[0] != '/') return refusal("path", path, "it is not absolute");
  return in_quotes(path, false);
}

Result<std::string> encode_user(std::string_view name) {
  if (!consists_of(name, "._-@$") || name[0] == '-')
    return refusal("user", name, "systemd does not accept this user name");
  return std::string(name);
}

Result<std::string> encode_host(std::string_view name) {
  if (!consists_of(name, "._-"))
    return refusal("host", name, "it is not a host name", "a host name consists of letters, digits, dots and hyphens");
  return std::string(name);
}

Result<std::string> fill_template(std::string_view text, const std::map<std::string, std::string>& values,
                                  const std::string& source) {
  std::string out;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::size_t number = 0;
  for (const auto& line : split(text, '\n')) {
    ++number;
    std::string filled;
    bool replaced = false;
    for (std::size_t at = 0; at < line.size();) {
      const auto key = placeholder_at(line, at);
      if (key.empty()) {
        filled += line[at++];
        continue;
      }
      const auto value = values.find(std::string(key));
      if (value == values.end())
        return Error{"filling the template", fmt::format("{} line {}", source, number),
                     fmt::format("unknown placeholder @{}@", key), ""};
      filled += value->second;
      replaced = true;
      at += key.size() + 2;
    }
    if (!replaced || !filled.empty()) out += filled + '\n';
  }
  return out;
}

}  // namespace holdfast::backends
