#include "cli/suggestion.hpp"

#include <algorithm>
#include <vector>

namespace holdfast::cli {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> known) {
  constexpr std::size_t k_longest = 64;  // nobody mistypes more, and the table is quadratic
  if (typed.empty() || typed.size() > k_longest) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t distance = 0;
  for (const auto& word : known) {
    const auto now = edit_distance(typed, word);
    if (best == nullptr || now < distance) {
      best = &word;
      distance = now;
    }
  }
  if (best == nullptr || distance > std::max<std::size_t>(1, best->size() / 3)) return std::nullopt;
  return *best;
}

}  // namespace holdfast::cli
