#include "backends/text/crontab_text.hpp"

#include "backends/text/marked_block.hpp"
#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace holdfast::backends {
namespace {

/// The labels of all blocks. A marker without its counterpart begins none.
std::vector<std::string> labels_in(std::string_view crontab) {
  constexpr std::string_view k_begin = "# >>> holdfast ";
  constexpr std::string_view k_end = " >>>";
  std::vector<std::string> labels;
  for (auto line : split(crontab, '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.size() <= k_begin.size() + k_end.size() || !line.starts_with(k_begin) || !line.ends_with(k_end)) continue;
    auto label = line.substr(k_begin.size(), line.size() - k_begin.size() - k_end.size());
    if (block_of(crontab, label)) labels.push_back(std::move(label));
  }
  return labels;
}

std::optional<std::string> label_with(std::string_view crontab, const std::string& name) {
  for (auto& label : labels_in(crontab)) {
    const auto names = split_words(label);
    if (std::ranges::find(names, name) != names.end()) return std::move(label);
  }
  return std::nullopt;
}

/// The lines, with `to` in place of the names `from` at the end of each command.
std::string with_names(std::string_view lines, const std::string& from, const std::string& to) {
  std::string out;
  for (auto& line : split(lines, '\n')) {
    if (line.ends_with(" " + from)) line.replace(line.size() - from.size(), from.size(), to);
    out += line + '\n';
  }
  out.pop_back();  // split() returns the rest after the last line break, too
  return out;
}

bool fits_cron(const std::string& lines) {
  return std::ranges::all_of(split(lines, '\n'),
                             [](const std::string& line) { return line.size() <= k_longest_crontab_command; });
}

/// The names that have this command already, followed by `name`; empty when there are none.
std::string shared_label(std::string_view crontab, const std::string& name, const std::string& lines) {
  for (const auto& label : labels_in(crontab)) {
    auto joined = fmt::format("{} {}", label, name);
    if (with_names(block_of(crontab, label).value(), label, name) == lines &&
        fits_cron(with_names(lines, name, joined)))
      return joined;
  }
  return {};
}

std::string without_name(const std::string& crontab, const std::string& label, const std::string& name) {
  auto names = split_words(label);
  std::erase(names, name);
  const auto lines = block_of(crontab, label).value();
  auto out = without_block(crontab, label);
  if (names.empty()) return out;
  const auto rest = fmt::format("{}", fmt::join(names, " "));
  return with_block(out, rest, with_names(lines, label, rest));
}

/// Without a matching pair of quotes around it.
std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

std::string_view crontab_above(std::string_view crontab, const std::string& name) {
  const auto label = label_with(crontab, name);
  if (!label) return crontab;
  const auto marker = fmt::format("# >>> holdfast {} >>>", *label);
  std::size_t begin = 0;
  std::size_t at = 0;
  for (const auto& line : split(crontab, '\n')) {
    if (line == marker || line == marker + '\r') begin = at;
    at += line.size() + 1;
  }
  return crontab.substr(0, begin);
}

std::optional<std::string> crontab_variable(std::string_view lines, std::string_view variable) {
  std::optional<std::string> value;
  for (const auto& line : split(lines, '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    if (without_quotes(trim(std::string_view(line).substr(0, equals))) == variable)
      value = without_quotes(trim(std::string_view(line).substr(equals + 1)));
  }
  return value;
}

std::optional<std::string> crontab_lines_of(std::string_view crontab, const std::string& name) {
  const auto label = label_with(crontab, name);
  if (!label) return std::nullopt;
  return with_names(block_of(crontab, *label).value(), *label, name);
}

std::string with_crontab_lines(std::string_view crontab, const std::string& name,
                               const std::optional<std::string>& lines) {
  std::string out(crontab);
  if (crontab_lines_of(out, name) == lines) return out;
  const auto label = label_with(out, name);
  const auto joined = lines ? shared_label(out, name, *lines) : std::string();
  if (lines && joined.empty() && label == name) return with_block(out, name, *lines);
  if (label) out = without_name(out, *label, name);
  if (!lines) return out;
  if (joined.empty()) return with_block(out, name, *lines);
  out = without_block(out, joined.substr(0, joined.size() - name.size() - 1));
  return with_block(out, joined, with_names(*lines, name, joined));
}

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
