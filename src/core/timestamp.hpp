// Wall-clock times as text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// RFC 3339 in UTC, whole seconds: "2026-11-22T10:00:00Z".
[[nodiscard]] std::string to_rfc3339(WallTime time);
[[nodiscard]] std::optional<WallTime> from_rfc3339(std::string_view text) noexcept;

/// "3 s", "4 min", "2 h 5 min", "9 days".
[[nodiscard]] std::string duration_text(std::chrono::seconds span);

}  // namespace holdfast
