#include "core/duration.hpp"

#include "core/text.hpp"

namespace holdfast {

std::optional<std::chrono::seconds> parse_duration(std::string_view text) noexcept {
  using namespace std::chrono;
  constexpr seconds k_longest = hours(24);
  seconds unit(1);
  if (text.ends_with('m')) unit = minutes(1);
  if (text.ends_with('h')) unit = hours(1);
  if (text.ends_with('s') || unit != seconds(1)) text.remove_suffix(1);
  const auto number = parse_number(text, 0, static_cast<std::uint32_t>(k_longest / unit));
  if (!number) return std::nullopt;
  return *number * unit;
}

}  // namespace holdfast
