// Compares a text that setup installed with the one that it would install now, whichever program both start.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

/// A program's path that stands for any other. No quoting changes it.
inline constexpr std::string_view k_any_program = "/any-program";

/// The text that `installed` has in place of each `mark` of `expected`. Empty when it differs in anything else, or when
/// two marks stand for different texts.
[[nodiscard]] std::optional<std::string> text_at_mark(std::string_view installed, std::string_view expected,
                                                      std::string_view mark);

/// The word that a POSIX shell reads: 'it'\''s' is "it's". Handles single quotes and backslashes.
[[nodiscard]] std::string unquoted(std::string_view word);

}  // namespace holdfast::backends
