#include "store/availability.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::store {
namespace {

using Span = std::chrono::milliseconds;

Span part_of(Span span, double share) {
  return Span(static_cast<Span::rep>(std::llround(static_cast<double>(span.count()) * share)));
}

/// A mean of round trips, weighted by uptime.
struct WeightedMean {
  double sum = 0;
  double weight = 0;
  void add(double value, double by) {
    sum += value * by;
    weight += by;
  }
  [[nodiscard]] std::optional<double> mean() const { return weight > 0 ? std::optional(sum / weight) : std::nullopt; }
};

/// Scales overlapping rows, after a clock went back, down to the length of the slot.
void limit_to(Share& share, Span length) {
  if (share.known() <= length) return;
  const double factor = static_cast<double>(length.count()) / static_cast<double>(share.known().count());
  share.up = part_of(share.up, factor);
  share.degraded = part_of(share.degraded, factor);
  share.down = part_of(share.down, factor);
}

/// A supervisor writes a row every quarter of an hour. A longer gap between transitions without a row means that none
/// ran. The 10 s allow for clock adjustments.
constexpr Span k_longest_gap = k_uptime_quarter + std::chrono::seconds(10);

/// A row for a span in one state; nothing for a state that counts neither as up nor as down.
std::optional<UptimeRow> row_of(WallTime from, WallTime to, TunnelState state, bool degraded) {
  if (to <= from) return std::nullopt;
  UptimeRow row{.from = from, .length = to - from};
  switch (state) {
    case TunnelState::standby:
    case TunnelState::stopped:
      return std::nullopt;
    case TunnelState::up:
      (degraded ? row.degraded : row.up) = row.length;
      return row;
    case TunnelState::degraded:
      row.degraded = row.length;
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

namespace {

/// Spreads a row over the slots that it overlaps.
void add_to_slots(const UptimeRow& row, Availability& all, std::vector<WeightedMean>& trips) {
  const auto first = std::max(row.from, all.from);
  for (auto at = static_cast<std::size_t>((first - all.from) / all.slot); at < all.slots.size(); ++at) {
    const auto begin = all.from + all.slot * static_cast<int>(at);
    const Span overlap =
        std::min<WallTime>(row.from + row.length, begin + all.slot) - std::max<WallTime>(row.from, begin);
    if (overlap <= Span{0}) break;
    const double share = static_cast<double>(overlap.count()) / static_cast<double>(row.length.count());
    auto& slot = all.slots[at];
    slot.up += part_of(row.up, share);
    slot.degraded += part_of(row.degraded, share);
    slot.down += part_of(row.down, share);
    if (row.rtt) trips[at].add(row.rtt->mean_ms, static_cast<double>(row.up.count()) * share + 1);
  }
}

void add_round_trip(const UptimeRow& row, Availability& all, WeightedMean& trips) {
  if (!row.rtt) return;
  trips.add(row.rtt->mean_ms, static_cast<double>(row.up.count()) + 1);
  if (!all.rtt) all.rtt = row.rtt;
  all.rtt->low_ms = std::min(all.rtt->low_ms, row.rtt->low_ms);
  all.rtt->high_ms = std::max(all.rtt->high_ms, row.rtt->high_ms);
}

}  // namespace

Availability availability(std::span<const UptimeRow> rows, WallTime now, std::chrono::seconds slot, std::size_t slots) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const auto end = WallTime((since_epoch / slot + 1) * slot);
  Availability all{.from = end - slot * static_cast<int>(slots),
                   .slot = slot,
                   .slots = std::vector<Share>(slots),
                   .whole = {},
                   .rtt = {},
                   .reconnects = {}};
  std::vector<WeightedMean> slot_trips(slots);
  WeightedMean whole_trip;
  for (const auto& row : rows) {
    if (row.from > now || row.length <= Span{0} || row.from + row.length <= all.from) continue;
    for (const auto& [failure, count] : row.reconnects) all.reconnects[failure] += count;
    add_to_slots(row, all, slot_trips);
    add_round_trip(row, all, whole_trip);
  }
  if (all.rtt) all.rtt->mean_ms = whole_trip.mean().value_or(0);
  for (std::size_t at = 0; at < slots; ++at) {
    auto& share = all.slots[at];
    limit_to(share, slot);
    share.rtt_ms = slot_trips[at].mean();
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
         {row_of(from, std::min(to, first), state, false), row_of(std::max({from, last, first}), to, state, false)})
      if (row && row->length <= k_longest_gap) rows.push_back(*row);
  };
  for (std::size_t i = 0; i + 1 < transitions.size(); ++i)
    if (transitions[i].to == transitions[i + 1].from)
      add(transitions[i].at, std::min(transitions[i + 1].at, now), transitions[i].to);
  if (present)
    if (const auto row = row_of(std::max(present->since, last), now, present->state, present->degraded))
      rows.push_back(*row);
  return rows;
}

}  // namespace holdfast::store
