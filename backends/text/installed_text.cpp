#include "backends/text/installed_text.hpp"

namespace holdfast::backends {

std::optional<std::string> text_at_mark(std::string_view installed, std::string_view expected, std::string_view mark) {
  const auto first = expected.find(mark);
  if (first == std::string_view::npos || installed.substr(0, first) != expected.substr(0, first)) return std::nullopt;
  auto rest = expected.substr(first + mark.size());
  const auto next = rest.find(mark);
  const auto between = rest.substr(0, next);
  // The last mark ends where the rest of both texts begins, any other at the text up to the next mark.
  const auto end = next != std::string_view::npos ? installed.find(between, first)
                   : installed.ends_with(between) ? installed.size() - between.size()
                                                  : std::string_view::npos;
  if (end == std::string_view::npos || end < first) return std::nullopt;
  const std::string found(installed.substr(first, end - first));
  std::string filled(expected.substr(0, first));
  for (auto at = first; at != std::string_view::npos;) {
    const auto after = expected.find(mark, at + mark.size());
    filled += found;
    filled += expected.substr(at + mark.size(), after == std::string_view::npos ? after : after - at - mark.size());
    at = after;
  }
  return filled == installed ? std::optional(found) : std::nullopt;
}

std::string unquoted(std::string_view word) {
  std::string out;
  bool quoted = false;
  for (std::size_t at = 0; at < word.size(); ++at) {
    if (word[at] == '\'')
      quoted = !quoted;
    else if (word[at] == '\\' && !quoted && at + 1 < word.size())
      out += word[++at];
    else
      out += word[at];
  }
  return out;
}

}  // namespace holdfast::backends
