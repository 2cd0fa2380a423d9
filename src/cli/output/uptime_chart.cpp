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

/// Paints runs of one style with one escape sequence.
class Painter {
 public:
  explicit Painter(bool colour) : colour_(colour) {}
  void add(Style style, std::string_view character) {
    if (style != style_) flush();
    style_ = style;
    run_ += character;
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
  const bool down = share.up + share.degraded <= std::chrono::milliseconds{0};
  if (down) return painter.add(Style::red, utf8 ? k_blocks.front() : "x");
  const double good = static_cast<double>((share.up + share.degraded / 2).count());
  const double ratio = good / static_cast<double>(share.known().count());
  // Never full and never empty: one lost second must be visible.
  const auto height = std::clamp<std::size_t>(static_cast<std::size_t>(ratio * 8), 1, 6);
  painter.add(ratio < 0.5 ? Style::red : Style::yellow, utf8 ? k_blocks.at(height) : "+");
}

std::string span_text(std::chrono::milliseconds span) {
  return span < std::chrono::seconds(1) ? "less than 1 s" : duration_text(std::chrono::round<std::chrono::seconds>(span));
}

}  // namespace

std::string uptime_blocks(const store::Availability& all, const Drawing& drawing) {
  Painter painter(drawing.colour);
  for (const auto& share : all.slots) add_slot(painter, share, drawing.utf8);
  return painter.take();
}

std::string sparkline(const store::Availability& all, const Drawing& drawing) {
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
  // A smaller range is noise.
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

std::string availability_text(const store::Availability& all) {
  const auto share = all.whole.availability();
  if (!share) return "no data";
  if (all.whole.up == all.whole.known()) return "100 %";
  std::string text = fmt::format("{:.2f} %", std::floor(*share * 100) / 100);
  if (all.whole.down.count() > 0) text += fmt::format(", {} down", span_text(all.whole.down));
  if (all.whole.degraded.count() > 0) text += fmt::format(", {} degraded", span_text(all.whole.degraded));
  return text;
}

std::string reconnects_by_cause(const store::Availability& all) {
  std::uint64_t sum = 0;
  std::vector<std::pair<std::uint64_t, std::string_view>> causes;
  for (const auto& [failure, count] : all.reconnects) {
    sum += count;
    causes.emplace_back(count, to_text(failure));
  }
  if (sum == 0) return "none";
  std::ranges::stable_sort(causes, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = fmt::format("{}: ", sum);
  for (const auto& [count, name] : causes)
    text += fmt::format("{}{} {}", text.ends_with(": ") ? "" : ", ", name, count);
  return text;
}

std::string legend(const Drawing& drawing) {
  return drawing.utf8 ? "█ up  ▄ partly up  ▁ down  · no data" : "# up  + partly up  x down  _ no data";
}

}  // namespace holdfast::cli
