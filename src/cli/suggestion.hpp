// "did you mean": the nearest known word.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// The number of single-letter changes (insert, delete, replace, swap neighbours) from `a` to `b`: optimal string
/// alignment, a restricted Damerau-Levenshtein distance.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word nearest to `typed`, if it is near enough to be what was meant: a third of its letters at most.
[[nodiscard]] std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> known);

}  // namespace holdfast::cli
