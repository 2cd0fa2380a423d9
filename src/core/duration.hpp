// A span of time as users write it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace holdfast {

/// Parses a whole number with s, m or h, such as "20s"; without a unit it is seconds. Empty for anything else, and for
/// more than a day.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text) noexcept;

}  // namespace holdfast
