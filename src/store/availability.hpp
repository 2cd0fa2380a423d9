// Uptime rows summed over equal time slots that end now.
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

/// A span of time by state. The rest of the span has no data, or another host had the tunnel.
struct Share {
  std::chrono::milliseconds up{0};
  std::chrono::milliseconds degraded{0};
  std::chrono::milliseconds down{0};
  std::optional<double> rtt_ms = {};  ///< mean while it was up

  [[nodiscard]] std::chrono::milliseconds known() const noexcept { return up + degraded + down; }
  /// Per cent of the known time; nothing without data.
  [[nodiscard]] std::optional<double> availability() const noexcept;
};

struct Availability {
  WallTime from;                 ///< a multiple of `slot`, so that charts drawn later show the same slots
  std::chrono::seconds slot{0};  ///< the last slot contains now
  std::vector<Share> slots;
  Share whole;
  std::optional<RoundTrip> rtt;
  std::map<FailureClass, std::uint64_t> reconnects;
};

/// `rows` in any order. Rows that begin after `now` are ignored: a clock was wrong. Rows that overlap, after a clock
/// went back, never add up to more than the slot.
[[nodiscard]] Availability availability(std::span<const UptimeRow> rows, WallTime now, std::chrono::seconds slot,
                                        std::size_t slots);

/// The current state of a running supervisor.
struct Present {
  TunnelState state = TunnelState::up;
  bool degraded = false;
  WallTime since;
};

/// `rows` plus rows for the time that none covers yet: from transitions (oldest first) and a running supervisor. That
/// time is the current quarter of an hour, or the last one of a supervisor that ended. There is no data between two
/// transitions when their states do not match, or when they are further apart than a supervisor goes without a row.
[[nodiscard]] std::vector<UptimeRow> completed(std::vector<UptimeRow> rows, std::span<const Transition> transitions,
                                               const std::optional<Present>& present, WallTime now);

}  // namespace holdfast::store
