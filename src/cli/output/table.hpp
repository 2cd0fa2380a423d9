// Text in columns, for a terminal.
#pragma once

#include "cli/output/terminal.hpp"
#include "cli/output/text_layout.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// A cell: its text, and the style that it is painted in.
struct Cell {
  std::string text;
  Style style = Style::plain;
};

/// A row of cells, and messages that stand below it, indented by two.
struct Row {
  std::vector<Cell> cells;
  std::vector<std::string> below = {};
};

/// Every column is as wide as its widest cell. With drawing.width no row exceeds it: the widest column is truncated,
/// and messages wrap at spaces.
[[nodiscard]] std::string table(const std::vector<Row>& rows, const Drawing& drawing);

/// Rows of "label  value". A value may have several lines; with drawing.width long ones wrap at spaces.
class Sheet {
 public:
  explicit Sheet(const Drawing& drawing) : drawing_(drawing) {}
  void row(std::string_view label, const std::string& value);
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  Drawing drawing_;
  std::string text_;
};

inline constexpr std::size_t k_label_width = 11;  ///< of a Sheet
inline constexpr std::size_t k_line_width = 80;   ///< of help and doctor

}  // namespace holdfast::cli
