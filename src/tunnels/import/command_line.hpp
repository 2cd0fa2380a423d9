// Splits command lines as sh(1) and systemd do, without running anything. Pure.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::tunnels {

/// A word, unquoted and with the home expanded, or an operator: ">", "2>&1", "||", "&", ";" and the like.
struct Token {
  std::string text;
  bool is_operator = false;
  bool operator==(const Token&) const = default;
};

/// Supports quotes, backslashes, "~/" at the beginning of a word, $HOME and comments of sh(1). Any other expansion is
/// an Error, because its value is not known without running it.
[[nodiscard]] Result<std::vector<Token>> shell_tokens(std::string_view line, const std::string& home);

/// The words of an ExecStart=, with quotes and escapes of systemd.syntax(7), "%%" and "%h". Any other specifier or
/// variable is an Error.
[[nodiscard]] Result<std::vector<std::string>> systemd_words(std::string_view line, const std::string& home);

}  // namespace holdfast::tunnels
