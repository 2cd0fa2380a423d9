#include "store/availability.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::store {
namespace {

using Span = std::chrono::milliseconds;

Span part_of(Span span, double share) {
  return Span(static_cast<Span::rep>(std::llround(static_cast<double>(span.count()) * share)));
}

/// A sum of round trips, each as long as it was up with it.
struct Weighed {
  double sum = 0;
  double weight = 0;
  void add(double value, double by) {
    sum += value * by;
    weight += by;
  }
  [[nodiscard]] std::optional<double> mean() const { return weight > 0 ? std::optional(sum / weight) : std::nullopt; }
};

/// Clocks that went back: what is said of a slot is said of no more than the slot.
void cut_to(Share& share, Span length) {
  if (share.known() <= length) return;
  const double much = static_cast<double>(length.count()) / static_cast<double>(share.known().count());
  share.up = part_of(share.up, much);
  share.degraded = part_of(share.degraded, much);
  share.down = part_of(share.down, much);
}

/// A supervisor writes a row for every quarter of an hour, before the next transition at the latest; their clocks may
/// differ a little. Where transitions are further apart than that without a row, nobody ran: the power was off.
constexpr Span k_longest_untold = k_uptime_quarter + std::chrono::seconds(10);

/// A stretch in one state.
std::optional<UptimeRow> stretch(WallTime from, WallTime to, TunnelState state, bool degraded) {
  if (to <= from) return std::nullopt;
  UptimeRow row{.from = from, .length = to - from};
  switch (state) {
    case TunnelState::standby:
    case TunnelState::stopped:
      return std::nullopt;
    case TunnelState::up:
      (degraded ? row.degraded : row.up) = row.length;
      return row;
    case TunnelState::connecting:
    case TunnelState::waiting:
    case TunnelState::failed:
      (degraded ? row.degraded : row.down) = row.length;
      return row;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> Share::availability() const noexcept {
  if (known() <= Span{0}) return std::nullopt;
  return 100 * static_cast<double>(up.count()) / static_cast<double>(known().count());
}

Availability availability(std::span<const UptimeRow> rows, WallTime now, std::chrono::seconds slot, std::size_t slots) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const auto end = WallTime((since_epoch / slot + 1) * slot);
  Availability all{.from = end - slot * static_cast<int>(slots),
                   .slot = slot,
                   .slots = {},
                   .whole = {},
                   .rtt = {},
                   .reconnects = {}};
  all.slots.resize(slots);
  std::vector<Weighed> trips(slots);
  Weighed whole_trip;
  for (const auto& row : rows) {
    if (row.from > now || row.length <= Span{0} || row.from + row.length <= all.from) continue;
    for (const auto& [failure, count] : row.reconnects) all.reconnects[failure] += count;
    const auto first = std::max(row.from, all.from);
    for (auto at = static_cast<std::size_t>((first - all.from) / slot); at < slots; ++at) {
      const auto begin = all.from + slot * static_cast<int>(at);
      const Span overlap =
          std::min<WallTime>(row.from + row.length, begin + slot) - std::max<WallTime>(row.from, begin);
      if (overlap <= Span{0}) break;
      const double share = static_cast<double>(overlap.count()) / static_cast<double>(row.length.count());
      auto& into = all.slots[at];
      into.up += part_of(row.up, share);
      into.degraded += part_of(row.degraded, share);
      into.down += part_of(row.down, share);
      if (row.rtt) trips[at].add(row.rtt->mean_ms, static_cast<double>(row.up.count()) * share + 1);
    }
    if (!row.rtt) continue;
    whole_trip.add(row.rtt->mean_ms, static_cast<double>(row.up.count()) + 1);
    if (!all.rtt) all.rtt = row.rtt;
    all.rtt->low_ms = std::min(all.rtt->low_ms, row.rtt->low_ms);
    all.rtt->high_ms = std::max(all.rtt->high_ms, row.rtt->high_ms);
  }
  if (all.rtt) all.rtt->mean_ms = whole_trip.mean().value_or(0);
  for (std::size_t at = 0; at < slots; ++at) {
    auto& share = all.slots[at];
    cut_to(share, slot);
    share.rtt_ms = trips[at].mean();
    all.whole.up += share.up;
    all.whole.degraded += share.degraded;
    all.whole.down += share.down;
  }
  all.whole.rtt_ms = whole_trip.mean();
  return all;
}

std::vector<UptimeRow> completed(std::vector<UptimeRow> rows, std::span<const Transition> transitions,
                                 const std::optional<Present>& present, WallTime now) {
  WallTime first = now;
  WallTime last{};
  for (const auto& row : rows) {
    if (row.from > now) continue;
    first = std::min(first, row.from);
    last = std::max(last, row.from + row.length);
  }
  const auto add = [&](WallTime from, WallTime to, TunnelState state) {
    for (const auto& row :
         {stretch(from, std::min(to, first), state, false), stretch(std::max({from, last, first}), to, state, false)})
      if (row && row->length <= k_longest_untold) rows.push_back(*row);
  };
  for (std::size_t i = 0; i + 1 < transitions.size(); ++i)
    if (transitions[i].to == transitions[i + 1].from)
      add(transitions[i].at, std::min(transitions[i + 1].at, now), transitions[i].to);
  if (present)
    if (const auto row = stretch(std::max(present->since, last), now, present->state, present->degraded))
      rows.push_back(*row);
  return rows;
}

}  // namespace holdfast::store
