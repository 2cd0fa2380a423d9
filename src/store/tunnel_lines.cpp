#include "store/tunnel_lines.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::store {
namespace {

struct Key {
  std::string_view name;
  bool repeatable = false;
};

constexpr std::array k_keys{Key{"port", true},       Key{"bastion"},     Key{"identity"},    Key{"backend"},
                            Key{"engine"},           Key{"host"},        Key{"machine"},     Key{"run-as"},
                            Key{"ssh-option", true}, Key{"known-hosts"}, Key{"runtime-dir"}, Key{"probe-interval"},
                            Key{"keepalive"},        Key{"spread"},      Key{"takeover"},    Key{"allow-target-down"}};

const Key* find_key(std::string_view name) {
  const auto* found = std::ranges::find(k_keys, name, &Key::name);
  return found == k_keys.end() ? nullptr : found;
}

std::string list_keys() {
  std::string list;
  for (const Key& key : k_keys) list += (list.empty() ? "use one of " : ", ") + std::string(key.name);
  return list;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

Error value_error(std::string cause, std::string hint) { return {"reading", {}, std::move(cause), std::move(hint)}; }

/// The text between double quotes. Only a comment may follow them.
Result<std::string> unquote(std::string_view text) {
  const auto refuse = [](std::string cause) {
    return value_error(std::move(cause), R"(inside double quotes, write \" for a quote and \\ for a backslash)");
  };
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      const std::string_view rest = trim(text.substr(i + 1));
      if (!rest.empty() && rest.front() != '#') return refuse("text follows the closing quote");
      return value;
    }
    if (text[i] == '\\') {
      if (i + 1 == text.size() || (text[i + 1] != '"' && text[i + 1] != '\\'))
        return refuse("a backslash stands before a character other than a quote or a backslash");
      ++i;
    }
    value += text[i];
  }
  return refuse("the opening quote has no closing quote");
}

/// The value after '=', without comment, outer blanks and quotes.
Result<std::string> read_value(std::string_view text) {
  const std::string_view whole = trim(text);
  if (!whole.empty() && whole.front() == '"') return unquote(whole);
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i] == '#' && (i == 0 || is_blank(whole[i - 1]))) return std::string(trim(whole.substr(0, i)));
  return std::string(whole);
}

}  // namespace

std::string normal_key(std::string_view written) {
  std::string key(written);
  std::replace(key.begin(), key.end(), '_', '-');
  return key == "secret-key" ? "identity" : key;
}

std::string format_value(const std::string& value) {
  const bool plain = !value.empty() && value.front() != '"' && value.find('#') == std::string::npos &&
                     !is_blank(value.front()) && !is_blank(value.back());
  if (plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

Error TunnelLines::in_file(std::string cause, std::string hint) const {
  return {"reading", file_, std::move(cause), std::move(hint)};
}

Error TunnelLines::at_line(std::size_t number, std::string_view key, std::string cause, std::string hint) const {
  constexpr std::size_t k_longest_key = 64;
  const std::string comma = key.empty() ? "" : ", ";
  return {"reading", fmt::format("{} line {}{}{}", file_, number, comma, key.substr(0, k_longest_key)),
          std::move(cause), std::move(hint)};
}

Error TunnelLines::at(std::string_view key, const Error& error, std::size_t nth) const {
  const auto found = lines_.find(key);
  if (found == lines_.end() || nth >= found->second.size())
    return {"reading", fmt::format("{}, {}", file_, key), error.cause, error.hint};
  return at_line(found->second[nth].number, key, error.cause, error.hint);
}

Result<> TunnelLines::check_bytes(std::string_view text) const {
  if (text.size() > k_largest_tunnel_file)
    return in_file(fmt::format("the file has {} bytes, more than the {} allowed", text.size(), k_largest_tunnel_file),
                   "restore the file, or run holdfast setup again");
  if (trim(text).empty()) return in_file("the file is empty", "run holdfast setup again");
  std::size_t number = 1;
  for (const char c : text) {
    if (c == '\n') ++number;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F)
      return at_line(number, {},
                     c == '\0' ? "the line contains a NUL byte: the file is not text, or a crash damaged it"
                               : "the line contains a control character",
                     "remove the line, or run holdfast setup again");
  }
  if (text.back() != '\n')
    return at_line(number, {}, "the last line has no line break: the file may be cut short",
                   "check the last line and end it with a line break, or run holdfast setup again");
  return {};
}

Result<TunnelLines::Line> TunnelLines::read_line(std::string_view text, std::size_t number) const {
  if (text.front() == '[') return at_line(number, {}, "tunnel files have no sections", "remove the line");
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return at_line(number, {}, "expected KEY = VALUE", "start a comment with #");
  const std::string_view written = trim(text.substr(0, equals));
  if (written.empty()) return at_line(number, {}, "there is no key before the =", "remove the line");
  if (has_control_bytes(written))
    return at_line(number, {}, "the line contains a control character", "remove the line");
  Line line{number, normal_key(written), {}};
  if (find_key(line.key) == nullptr) return at_line(number, written, "unknown key", list_keys());
  auto value = read_value(text.substr(equals + 1));
  if (!value) return at_line(number, line.key, value.error().cause, value.error().hint);
  if (value->empty()) return at_line(number, line.key, "the value is missing", "add a value, or remove the line");
  if (has_control_bytes(*value))
    return at_line(number, line.key, "the value contains a control character", "type the line again");
  line.value = std::move(*value);
  return line;
}

Result<TunnelLines> TunnelLines::read(std::string_view text, const std::string& file) {
  TunnelLines lines(file);
  HOLDFAST_CHECK(lines.check_bytes(text));
  constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(k_byte_order_mark)) text.remove_prefix(k_byte_order_mark.size());
  std::size_t number = 0;
  for (const std::string& part : split(text, '\n')) {
    ++number;
    const std::string_view stripped = trim(part);
    if (stripped.empty() || stripped.front() == '#') continue;
    HOLDFAST_TRY(Line line, lines.read_line(stripped, number));
    auto& same_key = lines.lines_[line.key];
    if (!same_key.empty() && !find_key(line.key)->repeatable)
      return lines.at_line(number, line.key, fmt::format("line {} already sets it", same_key.front().number),
                           "remove one of the two lines");
    same_key.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> TunnelLines::all(std::string_view key) const {
  std::vector<std::string> values;
  if (const auto found = lines_.find(key); found != lines_.end())
    for (const Line& line : found->second) values.push_back(line.value);
  return values;
}

std::optional<std::string> TunnelLines::first(std::string_view key) const {
  const auto found = lines_.find(key);
  return found == lines_.end() ? std::nullopt : std::optional(found->second.front().value);
}

}  // namespace holdfast::store
