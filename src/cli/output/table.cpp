#include "cli/output/table.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace holdfast::cli {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// East Asian Wide and emoji, and marks that stand on another sign (Unicode 15, UAX #11), in broad strokes: wcwidth(3)
// would need a locale, which a static binary may not have.
constexpr std::array k_wide{Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},
                            Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},
                            Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F},
                            Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1FAFF}, Range{0x20000, 0x3FFFD}};
constexpr std::array k_none{Range{0x0300, 0x036F}, Range{0x200B, 0x200F}, Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F},
                            Range{0xFEFF, 0xFEFF}};

bool is_in(std::span<const Range> ranges, char32_t sign) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return sign >= range.first && sign <= range.last; });
}

/// The first sign of sound UTF-8, which is taken away.
char32_t take_sign(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t sign = lead < 0x80 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < std::min(length, text.size()); ++i)
    sign = (sign << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(std::min(length, text.size()));
  return sign;
}

}  // namespace

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const auto sign = take_sign(text);
    count += is_in(k_none, sign) ? 0U : is_in(k_wide, sign) ? 2U : 1U;
  }
  return count;
}

std::string padded(const std::string& text, std::size_t width) {
  const auto now = columns(text);
  return now < width ? text + std::string(width - now, ' ') : text;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (const auto& word : split(text, ' ')) {
    if (word.empty()) continue;
    if (!line.empty() && columns(line) + 1 + columns(word) > width) lines.push_back(std::exchange(line, {}));
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string table(const std::vector<Row>& rows, bool colour) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) widths[i] = std::max(widths[i], columns(row.cells[i].text));
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const auto& cell = row.cells[i];
      const bool last = i + 1 == row.cells.size();
      out += paint(cell.style, last ? cell.text : padded(cell.text, widths[i]), colour) + (last ? "\n" : "  ");
    }
    for (const auto& line : row.below) out += "  " + line + "\n";
  }
  return out;
}

void Sheet::row(std::string_view label, const std::string& value) {
  bool first = true;
  for (const auto& line : split(value, '\n')) {
    text_ += paint(Style::dim, padded(std::string(first ? label : ""), k_label_width), colour_) + line + "\n";
    first = false;
  }
}

}  // namespace holdfast::cli
