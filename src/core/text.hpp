// Text functions. Their input may hold any byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// `text` escaped for one line on a terminal: control bytes and invalid UTF-8 become \xHH, a newline \n, a tab \t.
/// Printable UTF-8 passes unchanged.
[[nodiscard]] std::string printable(std::string_view text);

/// True when `text` contains a byte below 0x20, or 0x7f.
[[nodiscard]] bool has_control_bytes(std::string_view text) noexcept;

/// Parses all of `text` as a decimal number of at most 10 digits, without sign or space. Empty when it is anything else
/// or lies outside [lowest, highest].
[[nodiscard]] std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t lowest,
                                                        std::uint32_t highest) noexcept;

/// `text` without the white space at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// Splits `text` at every `separator`; an empty text has one empty part.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// Splits `text` at runs of spaces and tabs; no part is empty.
[[nodiscard]] std::vector<std::string> split_words(std::string_view text);

/// The first line that is not blank, trimmed; empty when there is none.
[[nodiscard]] std::string first_line(std::string_view text);

/// True when `text` is not empty and contains only ASCII letters, digits, and characters of `others`.
[[nodiscard]] bool consists_of(std::string_view text, std::string_view others) noexcept;

/// True for [A-Za-z_][A-Za-z0-9_]*
[[nodiscard]] bool is_variable_name(std::string_view text) noexcept;

/// Compares ASCII letters without regard to case, whatever the locale.
[[nodiscard]] bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

/// `word` in single quotes for a POSIX shell: 'it'\''s'.
[[nodiscard]] std::string single_quoted(std::string_view word);

/// `word` as one word of a POSIX shell's command line; quoted only where needed. For text that a user copies: holdfast
/// itself never runs a command through a shell.
[[nodiscard]] std::string shell_quote(std::string_view word);

/// 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), for stable socket names. Not a cryptographic hash.
[[nodiscard]] std::uint64_t fnv1a(std::string_view text) noexcept;

}  // namespace holdfast
