#include "core/timestamp.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

namespace holdfast {

std::string to_rfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::optional<WallTime> from_rfc3339(std::string_view text) noexcept {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
      text[19] != 'Z')
    return std::nullopt;
  const auto year = parse_number(text.substr(0, 4), 1970, 9999);
  const auto month = parse_number(text.substr(5, 2), 1, 12);
  const auto day = parse_number(text.substr(8, 2), 1, 31);
  const auto hour = parse_number(text.substr(11, 2), 0, 23);
  const auto minute = parse_number(text.substr(14, 2), 0, 59);
  const auto second = parse_number(text.substr(17, 2), 0, 60);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::string duration_text(std::chrono::seconds span) {
  const auto seconds = span.count() < 0 ? 0 : span.count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600) {
    const auto minutes = seconds % 3600 / 60;
    return minutes == 0 ? fmt::format("{} h", seconds / 3600) : fmt::format("{} h {} min", seconds / 3600, minutes);
  }
  return fmt::format("{} days", seconds / 86400);
}

}  // namespace holdfast
