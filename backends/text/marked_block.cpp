#include "backends/text/marked_block.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace holdfast::backends {
namespace {

// Notes in a block; part of the file format.
constexpr std::string_view k_joined = "# The line above had no line break.\n";
constexpr std::string_view k_made = "# This file was made by holdfast, with this many directories: ";
constexpr std::uint32_t k_most_directories = 8;

/// Bytes [begin, end), its lines [inside, inside_end).
struct Block {
  std::size_t begin = 0;
  std::size_t inside = 0;
  std::size_t inside_end = 0;
  std::size_t end = 0;
  bool joined = false;                   ///< we added the line break before it
  std::optional<std::size_t> made = {};  ///< we created the file, and this many directories above it
};

std::string opening(std::string_view label) { return fmt::format("# >>> holdfast {} >>>", label); }
std::string closing(std::string_view label) { return fmt::format("# <<< holdfast {} <<<", label); }

/// Reads the notes at the top of the block, and excludes them from its lines.
void read_notes(Block& block, std::string_view text) {
  const auto rest = [&] { return text.substr(block.inside, block.inside_end - block.inside); };
  if (rest().starts_with(k_joined)) {
    block.joined = true;
    block.inside += k_joined.size();
  }
  if (!rest().starts_with(k_made)) return;
  const auto end = rest().find('\n');
  block.made = parse_number(rest().substr(k_made.size(), end - k_made.size()), 0, k_most_directories);
  if (block.made) block.inside += end + 1;
}

struct Found {
  std::vector<Block> blocks;
  std::optional<std::size_t> stray_line;  ///< of the first marker without its counterpart, from 1
};

Found find(std::string_view text, std::string_view label) {
  const auto begins = opening(label);
  const auto ends = closing(label);
  Found found;
  std::optional<Block> open;
  std::size_t open_line = 0;
  const auto stray = [&](std::size_t line) { found.stray_line = std::min(found.stray_line.value_or(line), line); };
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++number;
    const auto stop = text.find('\n', at);
    const auto next = stop == std::string_view::npos ? text.size() : stop + 1;
    auto line = text.substr(at, std::min(stop, text.size()) - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == begins) {
      if (open) stray(open_line);
      open = Block{at, next, next, next, false};
      open_line = number;
    } else if (line == ends && !open) {
      stray(number);
    } else if (line == ends) {
      open->inside_end = at;
      open->end = next;
      read_notes(*open, text);
      found.blocks.push_back(*open);
      open.reset();
    }
    at = next;
  }
  if (open) stray(open_line);
  return found;
}

std::string made_note(std::optional<std::size_t> directories) {
  return directories ? fmt::format("{}{}\n", k_made, *directories) : std::string();
}

std::string block_text(std::string_view label, const Block& block, std::string_view lines) {
  return marked(label,
                fmt::format("{}{}{}", block.joined ? k_joined : std::string_view(), made_note(block.made), lines));
}

}  // namespace

std::string marked(std::string_view label, std::string_view lines) {
  return fmt::format("{}\n{}{}\n", opening(label), lines, closing(label));
}

std::optional<std::string> block_of(std::string_view text, std::string_view label) {
  const auto found = find(text, label);
  if (found.blocks.empty()) return std::nullopt;
  const auto& block = found.blocks.front();
  return std::string(text.substr(block.inside, block.inside_end - block.inside));
}

std::string with_block(std::string_view text, std::string_view label, std::string_view lines) {
  const auto found = find(text, label);
  if (found.blocks.empty()) {
    Block block;
    block.joined = !text.empty() && text.back() != '\n';
    return std::string(text) + (block.joined ? "\n" : "") + block_text(label, block, lines);
  }
  std::string out;
  std::size_t kept = 0;
  for (const auto& block : found.blocks) {
    out += text.substr(kept, block.begin - kept);
    if (&block == &found.blocks.front()) out += block_text(label, block, lines);
    kept = block.end;
  }
  return out + std::string(text.substr(kept));
}

std::string without_block(std::string_view text, std::string_view label) {
  std::string out;
  std::size_t kept = 0;
  for (const auto& block : find(text, label).blocks) {
    out += text.substr(kept, block.begin - kept);
    kept = block.end;
    // If lines were added below the block, the line above it keeps its line break.
    if (block.joined && block.end == text.size() && out.ends_with('\n')) out.pop_back();
  }
  return out + std::string(text.substr(kept));
}

std::string block_alone(std::string_view label, std::string_view lines, std::size_t made_directories) {
  return marked(label, made_note(made_directories) + std::string(lines));
}

std::optional<std::size_t> made_for_block(std::string_view text, std::string_view label) {
  const auto found = find(text, label);
  if (found.blocks.size() != 1) return std::nullopt;
  const auto& block = found.blocks.front();
  return block.begin == 0 && block.end == text.size() ? block.made : std::nullopt;
}

std::optional<std::size_t> find_stray_marker(std::string_view text, std::string_view label) {
  return find(text, label).stray_line;
}

}  // namespace holdfast::backends
