// How long to wait before the next attempt. Pure: time and chance are arguments.
#pragma once

#include "core/failure.hpp"

#include <chrono>
#include <cstddef>
#include <deque>

namespace holdfast::supervisor {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;

/// At most `count` uses within any `window`.
class Budget {
 public:
  Budget(std::size_t count, std::chrono::seconds window) : count_(count), window_(window) {}
  /// Takes one use, if there is one left at `now`.
  [[nodiscard]] bool take(TimePoint now);

 private:
  std::size_t count_;
  std::chrono::seconds window_;
  std::deque<TimePoint> uses_;
};

/// What kind of waiting a failure asks for.
enum class Urgency {
  soon,          ///< the network is at fault and tells us when it is back: 1 s → 30 s
  steady,        ///< everything else: 1 s → 60 s
  needs_person,  ///< nothing heals it but a person: 5 min → 30 min, so that no bastion bans anyone
};
[[nodiscard]] Urgency urgency_of(FailureClass failure) noexcept;

inline constexpr Milliseconds k_shortest_wait = std::chrono::seconds(1);
inline constexpr Milliseconds k_longest_soon = std::chrono::seconds(30);
inline constexpr Milliseconds k_longest_steady = std::chrono::seconds(60);
inline constexpr Milliseconds k_shortest_slow = std::chrono::minutes(5);
inline constexpr Milliseconds k_longest_slow = std::chrono::minutes(30);

class Backoff {
 public:
  /// The wait before the next attempt after one that ended with `failure`. Zero after a run that was verified up, as
  /// long as the budget of 20 such in ten minutes lasts (a flapping bastion is to see no storm); else decorrelated
  /// jitter, min(cap, uniform(base, 3 × the wait before)):
  /// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
  /// `chance` is in [0, 1).
  [[nodiscard]] Milliseconds after(FailureClass failure, bool was_up, TimePoint now, double chance);

  /// A reason to believe that the cause is gone (the network came back, a person asked): may an attempt be made before
  /// its time? Bounded, tightly where only a person can mend it.
  [[nodiscard]] bool allows_early(Urgency urgency, TimePoint now);

  /// After a minute of health: waits begin small again.
  void reset() noexcept;

 private:
  [[nodiscard]] static Milliseconds jitter(Milliseconds& last, Milliseconds lowest, Milliseconds highest,
                                           double chance);

  Milliseconds last_{0};
  Milliseconds last_slow_{0};
  Budget immediate_{20, std::chrono::minutes(10)};
  Budget early_{12, std::chrono::minutes(1)};
  Budget early_slow_{2, std::chrono::minutes(10)};
};

}  // namespace holdfast::supervisor
