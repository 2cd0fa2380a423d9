#include "cli/output/uptime_chart.hpp"

#include "cli/output/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace holdfast::cli {
namespace {

constexpr std::array<std::string_view, 8> k_blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> k_ramp{".", ":", "-", "=", "+", "*", "%", "@"};

/// Runs of one style are painted at once: a line of 56 slots is not to be 56 escape sequences.
class Painter {
 public:
  explicit Painter(bool colour) : colour_(colour) {}
  void add(Style style, std::string_view sign) {
    if (style != style_) flush();
    style_ = style;
    run_ += sign;
  }
  std::string take() {
    flush();
    return std::move(text_);
  }

 private:
  void flush() {
    if (!run_.empty()) text_ += paint(style_, run_, colour_);
    run_.clear();
  }

  bool colour_;
  Style style_ = Style::plain;
  std::string run_;
  std::string text_;
};

void add_slot(Painter& painter, const store::Share& share, bool utf8) {
  if (share.known() <= std::chrono::milliseconds{0}) return painter.add(Style::dim, utf8 ? "·" : "_");
  if (share.up == share.known()) return painter.add(Style::green, utf8 ? k_blocks.back() : "#");
  const bool dead = share.up + share.degraded <= std::chrono::milliseconds{0};
  if (dead) return painter.add(Style::red, utf8 ? k_blocks.front() : "x");
  const double good = static_cast<double>((share.up + share.degraded / 2).count());
  const double much = good / static_cast<double>(share.known().count());
  // Neither full nor empty, whatever it rounds to: a second that was lost is to be seen in a day.
  const auto height = std::clamp<std::size_t>(static_cast<std::size_t>(much * 8), 1, 6);
  painter.add(much < 0.5 ? Style::red : Style::yellow, utf8 ? k_blocks.at(height) : "+");
}

std::string span_words(std::chrono::milliseconds span) {
  const auto words = duration_text(std::chrono::round<std::chrono::seconds>(span));
  return span < std::chrono::seconds(1) ? "less than 1 s" : words;
}

}  // namespace

std::string blocks(const store::Availability& all, Drawing drawing) {
  Painter painter(drawing.colour);
  for (const auto& share : all.slots) add_slot(painter, share, drawing.utf8);
  return painter.take();
}

std::string sparkline(const store::Availability& all, Drawing drawing) {
  double low = 0;
  double high = 0;
  bool any = false;
  for (const auto& share : all.slots) {
    if (!share.rtt_ms) continue;
    low = any ? std::min(low, *share.rtt_ms) : *share.rtt_ms;
    high = any ? std::max(high, *share.rtt_ms) : *share.rtt_ms;
    any = true;
  }
  if (!any) return {};
  // What differs by less is noise, and is not blown up to mountains.
  const double range = std::max({high - low, low / 2, 2.0});
  Painter painter(drawing.colour);
  for (const auto& share : all.slots) {
    if (!share.rtt_ms) {
      painter.add(Style::dim, drawing.utf8 ? "·" : "_");
      continue;
    }
    const auto level = std::clamp<std::size_t>(static_cast<std::size_t>((*share.rtt_ms - low) / range * 8), 0, 7);
    painter.add(Style::plain, drawing.utf8 ? k_blocks.at(level) : k_ramp.at(level));
  }
  return painter.take();
}

std::string availability_words(const store::Availability& all) {
  const auto share = all.whole.availability();
  if (!share) return "nothing is known";
  if (all.whole.up == all.whole.known()) return "100 %";
  std::string words = fmt::format("{:.2f} %", std::floor(*share * 100) / 100);
  if (all.whole.down.count() > 0) words += fmt::format(", {} down", span_words(all.whole.down));
  if (all.whole.degraded.count() > 0) words += fmt::format(", {} in part", span_words(all.whole.degraded));
  return words;
}

std::string reconnect_words(const store::Availability& all) {
  std::uint64_t sum = 0;
  std::vector<std::pair<std::uint64_t, std::string_view>> causes;
  for (const auto& [failure, count] : all.reconnects) {
    sum += count;
    causes.emplace_back(count, to_text(failure));
  }
  if (sum == 0) return "none";
  std::ranges::stable_sort(causes, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string words = fmt::format("{}: ", sum);
  for (const auto& [count, name] : causes)
    words += fmt::format("{}{} {}", words.ends_with(": ") ? "" : ", ", name, count);
  return words;
}

std::string legend(Drawing drawing) {
  return drawing.utf8 ? "█ up, lower where it was not always, ▁ down, · nobody knows"
                      : "# up, + not always, x down, _ nobody knows";
}

}  // namespace holdfast::cli
