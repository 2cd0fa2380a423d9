#include "cli/table.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::cli {

std::size_t columns(std::string_view text) {  // a UTF-8 sequence has one byte that is no continuation
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
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
