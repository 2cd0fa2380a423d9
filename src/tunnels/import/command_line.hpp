// Command lines as other programs read them, taken apart without running anything. Pure.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// A word, its quotes taken off and the home expanded, or an operator: ">", "2>&1", "||", "&", ";" and the like.
struct Token {
  std::string text;
  bool is_operator = false;
  bool operator==(const Token&) const = default;
};

/// A line of sh(1): quotes, backslashes, "~/" at the beginning of a word, $HOME; a comment ends it. An Error names what
/// else would be expanded or substituted: what it stands for is not known without running it.
[[nodiscard]] Result<std::vector<Token>> shell_tokens(std::string_view line, const std::string& home);

/// The words of an ExecStart=: quotes and escapes of systemd.syntax(7), "%%" and "%h". An Error names any other
/// specifier, or variable.
[[nodiscard]] Result<std::vector<std::string>> systemd_words(std::string_view line, const std::string& home);

}  // namespace holdfast::ssh
