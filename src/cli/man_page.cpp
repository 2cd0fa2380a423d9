#include "cli/man_page.hpp"

#include "cli/output/terminal.hpp"
#include "core/suggestion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

namespace holdfast::cli {
namespace {

struct Page {
  std::string_view name;
  std::string_view file;
};

constexpr std::array k_pages{Page{"holdfast", "holdfast.1"}, Page{"holdfast.conf", "holdfast.conf.5"},
                             Page{"holdfast-backends", "holdfast-backends.7"}};

/// Removes the first UTF-8 character of `text`, which isn't empty.
std::string_view next_character(std::string_view& text) {
  std::size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) ++size;
  const auto character = text.substr(0, size);
  text.remove_prefix(size);
  return character;
}

}  // namespace

Result<std::string_view> man_page(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& page : k_pages) {
    if (name == page.name || name == page.file) return embedded_man_page(page.file);
    known.emplace_back(page.name);
  }
  return usage_error("page " + name, "there is no such page",
                     suggestion(name, known, "", fmt::format("choose one of {}", fmt::join(known, ", "))));
}

std::string render_overstrikes(std::string_view text, bool colour) {
  std::string out;
  std::string bold_run;
  const auto flush = [&] {
    if (!bold_run.empty()) out += paint(Style::bold, bold_run, colour);
    bold_run.clear();
  };
  bool bold = false;
  while (!text.empty()) {
    const auto character = next_character(text);
    if (text.starts_with('\b')) {
      bold = bold || character != "_";  // "_" and a backspace underlines
      text.remove_prefix(1);
      continue;
    }
    if (!bold) flush();
    (bold ? bold_run : out) += character;
    bold = false;
  }
  flush();
  return out;
}

}  // namespace holdfast::cli
