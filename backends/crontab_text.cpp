#include "backends/crontab_text.hpp"

#include "core/text.hpp"

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr std::string_view k_joined = "# The line above had no line break.\n";

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_plain_word(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("+:,./-_").find(c) != std::string_view::npos;
  });
}

/// A block in a crontab: bytes [begin, end), its lines [inside, inside_end).
struct Block {
  std::size_t begin = 0;
  std::size_t inside = 0;
  std::size_t inside_end = 0;
  std::size_t end = 0;
  bool joined = false;  ///< the line break before it is ours
};

std::string opening(const TunnelName& name) { return "# >>> holdfast " + name.text() + " >>>"; }
std::string closing(const TunnelName& name) { return "# <<< holdfast " + name.text() + " <<<"; }

std::vector<Block> find_blocks(std::string_view crontab, const TunnelName& name) {
  const auto begins = opening(name);
  const auto ends = closing(name);
  std::vector<Block> blocks;
  std::optional<Block> open;
  for (std::size_t at = 0; at < crontab.size();) {
    const auto stop = crontab.find('\n', at);
    const auto next = stop == std::string_view::npos ? crontab.size() : stop + 1;
    auto line = crontab.substr(at, std::min(stop, crontab.size()) - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == begins) {
      open = Block{at, next, next, next, false};
    } else if (line == ends && open) {
      open->inside_end = at;
      open->end = next;
      if (crontab.substr(open->inside, at - open->inside).starts_with(k_joined)) {
        open->joined = true;
        open->inside += k_joined.size();
      }
      blocks.push_back(*open);
      open.reset();
    }
    at = next;
  }
  return blocks;
}

std::string block_text(const TunnelName& name, bool joined, std::string_view lines) {
  std::string text = opening(name) + '\n';
  if (joined) text += k_joined;
  text += lines;
  return text + closing(name) + '\n';
}

}  // namespace

Result<std::string> encode_crontab_word(std::string_view word) {
  if (has_control_bytes(word))
    return Error{"writing into a crontab", "\"" + std::string(word) + "\"", "it holds a control byte", ""};
  if (is_plain_word(word)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    switch (c) {
      case '\'':
        out += R"('\'')";
        break;
      case '%':  // cron takes the backslash away before the shell sees it
        out += R"(\%)";
        break;
      case '\\':  // never two in a row, which some crons make one of, and never before a "%"
        out += R"(\'')";
        break;
      default:
        out += c;
    }
  }
  return out + '\'';
}

Result<std::string> encode_crontab_assignment(std::string_view key, std::string_view value) {
  const bool fine = !key.empty() && !is_digit(key.front()) &&
                    std::ranges::all_of(key, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
  if (!fine) return Error{"writing into a crontab", "\"" + std::string(key) + "\"", "it is not a variable's name", ""};
  if (value.empty()) return std::string(key) + '=';
  HOLDFAST_TRY(const auto word, encode_crontab_word(value));
  return std::string(key) + '=' + word;
}

std::optional<std::string> block_of(std::string_view crontab, const TunnelName& name) {
  const auto blocks = find_blocks(crontab, name);
  if (blocks.empty()) return std::nullopt;
  const auto& block = blocks.front();
  return std::string(crontab.substr(block.inside, block.inside_end - block.inside));
}

std::string with_block(std::string_view crontab, const TunnelName& name, std::string_view lines) {
  const auto blocks = find_blocks(crontab, name);
  if (blocks.empty()) {
    const bool joined = !crontab.empty() && crontab.back() != '\n';
    return std::string(crontab) + (joined ? "\n" : "") + block_text(name, joined, lines);
  }
  std::string out;
  std::size_t kept = 0;
  for (const auto& block : blocks) {
    out += crontab.substr(kept, block.begin - kept);
    if (&block == &blocks.front()) out += block_text(name, block.joined, lines);
    kept = block.end;
  }
  return out + std::string(crontab.substr(kept));
}

std::string without_block(std::string_view crontab, const TunnelName& name) {
  std::string out;
  std::size_t kept = 0;
  for (const auto& block : find_blocks(crontab, name)) {
    out += crontab.substr(kept, block.begin - kept);
    kept = block.end;
    // Lines that were added below it since then keep the line above apart.
    if (block.joined && block.end == crontab.size() && out.ends_with('\n')) out.pop_back();
  }
  return out + std::string(crontab.substr(kept));
}

}  // namespace holdfast::backends
