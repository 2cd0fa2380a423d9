#include "cli/output/text_layout.hpp"

#include "core/text.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::cli {
namespace {

constexpr std::array<std::string_view, 18> k_programs{
    "holdfast", "sudo", "ssh",     "ssh-add", "ssh-copy-id", "ssh-keygen", "ssh-keyscan", "systemctl", "loginctl",
    "crontab",  "apt",  "apt-get", "dnf",     "chmod",       "chown",      "mkdir",       "rm",        "kill"};

struct Character {
  std::string_view bytes;
  std::size_t width = 1;
};

/// Removes the first character of `text`, which isn't empty. A byte that is no UTF-8 counts as one column.
Character next_character(std::string_view& text) {
  utf8proc_int32_t code = 0;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &code);
  const Character character{text.substr(0, size > 0 ? static_cast<std::size_t>(size) : 1),
                            size > 0 ? static_cast<std::size_t>(utf8proc_charwidth(code)) : 1};
  text.remove_prefix(character.bytes.size());
  return character;
}

/// The length of an escape sequence of paint() at the beginning of `text`; 0 when there is none.
std::size_t escape_length(std::string_view text) {
  for (const std::string_view sequence : {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"})
    if (text.starts_with(sequence)) return sequence.size();
  return 0;
}

std::vector<std::string> words_of(std::string_view text) {
  auto words = split(text, ' ');
  std::erase_if(words, [](const std::string& word) { return word.empty(); });
  return words;
}

bool ends_clause(std::string_view word) { return std::string_view(",;:)").find(word.back()) != std::string_view::npos; }

/// The words of a hint, each command and each option with its value joined into one.
std::vector<std::string> hint_parts(std::string_view text) {
  std::vector<std::string> parts;
  bool in_command = false;
  bool after_option = false;
  for (auto& word : words_of(text)) {
    const bool joins = in_command || (after_option && word.front() != '-');
    in_command = (in_command || std::ranges::find(k_programs, word) != k_programs.end()) && !ends_clause(word);
    after_option = word.size() > 1 && word.front() == '-' && !ends_clause(word);
    if (joins)
      parts.back() += ' ' + word;
    else
      parts.push_back(std::move(word));
  }
  return parts;
}

std::vector<std::string> lines_of(const std::vector<std::string>& parts, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (const auto& part : parts) {
    if (!line.empty() && columns(line) + 1 + columns(part) > width) lines.push_back(std::exchange(line, {}));
    line += (line.empty() ? "" : " ") + part;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) count += next_character(text).width;
  return count;
}

std::string padded(const std::string& text, std::size_t width) {
  const auto used = columns(text);
  return used < width ? text + std::string(width - used, ' ') : text;
}

std::string clipped(std::string_view line, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  bool full = false;
  while (!line.empty()) {
    if (const auto escape = escape_length(line); escape > 0) {
      out += line.substr(0, escape);
      line.remove_prefix(escape);
      continue;
    }
    const auto character = next_character(line);
    full = full || used + character.width > width;
    if (full) continue;
    out += character.bytes;
    used += character.width;
  }
  return out;
}

std::string without_controls(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t kept = text.front() == '\n' || text.front() == '\t' ? 1 : escape_length(text);
    const auto piece = text.substr(0, kept != 0 ? kept : text.find_first_of("\n\t\x1b", 1));
    out += kept != 0 ? std::string(piece) : printable(piece);
    text.remove_prefix(piece.size());
  }
  return out;
}

std::string truncated(std::string_view text, std::size_t width, bool utf8) {
  if (columns(text) <= width) return std::string(text);
  const std::string_view mark = utf8 ? "…" : "...";
  if (columns(mark) > width) return clipped(text, width);
  return clipped(text, width - columns(mark)).append(mark);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) { return lines_of(words_of(text), width); }

std::vector<std::string> wrapped_hint(std::string_view text, std::size_t width) {
  return lines_of(hint_parts(text), width);
}

std::vector<std::string> wrapped_message(std::string_view text, std::size_t width) {
  const auto first = text.substr(0, text.find(' '));
  const bool is_hint = first == "hint:" || std::ranges::find(k_programs, first) != k_programs.end();
  return is_hint ? wrapped_hint(text, width) : wrapped(text, width);
}

}  // namespace holdfast::cli
