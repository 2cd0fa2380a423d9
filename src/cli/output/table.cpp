#include "cli/output/table.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <numeric>
#include <span>

namespace holdfast::cli {
namespace {

constexpr std::string_view k_gap = "  ";
constexpr std::size_t k_narrowest_column = 4;

std::vector<std::size_t> column_widths(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) widths[i] = std::max(widths[i], columns(row.cells[i].text));
  }
  return widths;
}

/// Takes columns from the widest one until a row fits.
void fit(std::vector<std::size_t>& widths, std::size_t row_width) {
  if (widths.empty()) return;
  auto used = std::accumulate(widths.begin(), widths.end(), (widths.size() - 1) * k_gap.size());
  while (used > row_width) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= k_narrowest_column) return;
    --*widest;
    --used;
  }
}

std::string line_of(const std::vector<Cell>& cells, std::span<const std::size_t> widths, const Drawing& drawing) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    const auto text = truncated(cells[i].text, widths[i], drawing.utf8);
    line += paint(cells[i].style, last ? text : padded(text, widths[i]), drawing.colour);
    if (!last) line += k_gap;
  }
  return drawing.width ? clipped(line, *drawing.width) : line;
}

/// `message` in lines that fit; as it is where nothing limits it, or where it is painted.
std::vector<std::string> message_lines(const std::string& message, const Drawing& drawing, std::size_t indent) {
  if (!drawing.width || *drawing.width <= 2 * indent || message.find('\x1b') != std::string::npos ||
      columns(message) + indent <= *drawing.width)
    return {message};
  return wrapped_message(message, *drawing.width - indent);
}

}  // namespace

std::string table(const std::vector<Row>& rows, const Drawing& drawing) {
  auto widths = column_widths(rows);
  if (drawing.width) fit(widths, *drawing.width);
  std::string out;
  for (const auto& row : rows) {
    out += line_of(row.cells, widths, drawing) + "\n";
    for (const auto& message : row.below)
      for (const auto& line : message_lines(message, drawing, 2)) out += "  " + line + "\n";
  }
  return out;
}

void Sheet::row(std::string_view label, const std::string& value) {
  std::string shown(label);
  for (const auto& part : split(value, '\n'))
    for (const auto& line : message_lines(part, drawing_, k_label_width)) {
      text_ += paint(Style::dim, padded(shown, k_label_width), drawing_.colour) + line + "\n";
      shown.clear();
    }
}

}  // namespace holdfast::cli
