// What the record of a tunnel comes to: so many slots of equal length, up to now.
#pragma once

#include "store/history.hpp"
#include "store/uptime.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace holdfast::store {

/// Of a stretch of time; what is in none of the three nobody saw, or another host had the tunnel.
struct Share {
  std::chrono::milliseconds up{0};
  std::chrono::milliseconds degraded{0};
  std::chrono::milliseconds down{0};
  std::optional<double> rtt_ms = {};  ///< mean while it was up

  [[nodiscard]] std::chrono::milliseconds known() const noexcept { return up + degraded + down; }
  /// Per cent of what is known; nothing where nothing is.
  [[nodiscard]] std::optional<double> availability() const noexcept;
};

struct Availability {
  WallTime from;                 ///< a multiple of `slot`, so that what is drawn stands still
  std::chrono::seconds slot{0};  ///< the last one is the one that has not ended
  std::vector<Share> slots;
  Share whole;
  std::optional<RoundTrip> rtt;
  std::map<FailureClass, std::uint64_t> reconnects;
};

/// `rows` in any order. One that is said to begin after `now` counts for nothing: a clock was wrong. Where the clock
/// went back, and rows are of the same time, a slot is filled once.
[[nodiscard]] Availability availability(std::span<const UptimeRow> rows, WallTime now, std::chrono::seconds slot,
                                        std::size_t slots);

/// What a supervisor that lives says now.
struct Present {
  TunnelState state = TunnelState::up;
  bool degraded = false;
  WallTime since;
};

/// `rows`, and what transitions (oldest first) and a living supervisor tell of the time before and after them: the
/// quarter of an hour that is not over, or that ended with its supervisor. Between two transitions nothing is known
/// where the second does not begin with what the first ended with, or where they are further apart than any supervisor
/// goes without a row.
[[nodiscard]] std::vector<UptimeRow> completed(std::vector<UptimeRow> rows, std::span<const Transition> transitions,
                                               const std::optional<Present>& present, WallTime now);

}  // namespace holdfast::store
