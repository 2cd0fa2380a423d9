// Text in columns, for a terminal.
#pragma once

#include "cli/output/terminal.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// A cell: its text, and how it is painted once it is padded.
struct Cell {
  std::string text;
  Style style = Style::plain;
};

/// A row of cells, with whole lines to stand below it.
struct Row {
  std::vector<Cell> cells;
  std::vector<std::string> below = {};
};

/// The rows, every column as wide as its widest cell; the lines below them indented by two.
[[nodiscard]] std::string table(const std::vector<Row>& rows, bool colour);

/// How many columns of a terminal printable UTF-8 takes.
[[nodiscard]] std::size_t columns(std::string_view text);

/// `text` with blanks up to that many columns.
[[nodiscard]] std::string padded(const std::string& text, std::size_t width);

/// The lines of `text`, broken at blanks so that none is longer than `width` columns (but for a single longer word).
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// Rows of "label  value"; the lines of a value stand below each other.
class Sheet {
 public:
  explicit Sheet(bool colour) : colour_(colour) {}
  void row(std::string_view label, const std::string& value);
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  bool colour_;
  std::string text_;
};

inline constexpr std::size_t k_label_width = 11;  ///< of a Sheet
inline constexpr std::size_t k_line_width = 80;

}  // namespace holdfast::cli
