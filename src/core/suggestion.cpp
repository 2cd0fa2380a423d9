#include "core/suggestion.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace holdfast {

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
  constexpr std::size_t k_longest = 64;  // bounds the quadratic distance
  if (typed.empty() || typed.size() > k_longest) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t distance = 0;
  for (const auto& word : known) {
    const auto edits = edit_distance(typed, word);
    if (best == nullptr || edits < distance) {
      best = &word;
      distance = edits;
    }
  }
  if (best == nullptr || distance > std::max<std::size_t>(1, best->size() / 3)) return std::nullopt;
  const auto letters = typed.substr(std::min(typed.find_first_not_of('-'), typed.size())).size();
  if (distance >= letters) return std::nullopt;  // nothing of it is left: -i is not -p
  return *best;
}

std::string suggestion(std::string_view typed, std::span<const std::string> known, std::string_view prefix,
                       std::string otherwise) {
  const auto name = nearest(typed, known);
  return name ? "did you mean " + std::string(prefix) + *name : std::move(otherwise);
}

}  // namespace holdfast
