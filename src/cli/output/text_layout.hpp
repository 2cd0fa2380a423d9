// Fits text into columns of a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// The number of terminal columns that valid, printable UTF-8 takes (UAX #11; independent of the locale).
[[nodiscard]] std::size_t columns(std::string_view text);

/// `text` followed by spaces up to `width` columns.
[[nodiscard]] std::string padded(const std::string& text, std::size_t width);

/// The first `width` columns of `line`. Escape sequences of paint() take no column and are all kept, so that colours
/// end.
[[nodiscard]] std::string clipped(std::string_view line, std::size_t width);

/// `text` with every control byte but newlines, tabs and the escape sequences of paint() escaped.
[[nodiscard]] std::string without_controls(std::string_view text);

/// `text` in at most `width` columns; a cut is marked with "…", or "..." without UTF-8.
[[nodiscard]] std::string truncated(std::string_view text, std::size_t width, bool utf8);

/// The lines of `text`, broken at spaces. Only a word wider than `width` exceeds it.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// The same for a hint: never breaks inside a command, nor between an option and its value. A command begins at the
/// name of a program and ends with its clause (",", ";", ":" or ")").
[[nodiscard]] std::vector<std::string> wrapped_hint(std::string_view text, std::size_t width);

/// wrapped_hint() for a text that begins with "hint: " or with the name of a program, else wrapped().
[[nodiscard]] std::vector<std::string> wrapped_message(std::string_view text, std::size_t width);

}  // namespace holdfast::cli
