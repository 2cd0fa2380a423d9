// "did you mean": the known name nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast {

/// The number of edits (insert, delete, replace, swap two neighbours) from `a` to `b`: optimal string alignment, a
/// restricted Damerau-Levenshtein distance.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known`. Nothing when it differs in more than a third of its letters (at least one edit is allowed).
[[nodiscard]] std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> known);

/// "did you mean PREFIXNAME" for the nearest, else `otherwise`.
[[nodiscard]] std::string suggestion(std::string_view typed, std::span<const std::string> known,
                                     std::string_view prefix, std::string otherwise);

}  // namespace holdfast
