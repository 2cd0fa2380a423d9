// How long to wait before the next attempt. Pure: time and chance are arguments.
#pragma once

#include "core/failure.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>

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
  needs_person,  ///< hardly anything heals it but a person: twice in the first minute, then 5 min → 30 min: no ban
};
[[nodiscard]] Urgency urgency_of(FailureClass failure) noexcept;

/// Whom a failure has met.
enum class DropScope {
  none,    ///< an attempt that never carried the tunnel
  local,   ///< this tunnel alone, as far as can be known: its ssh was killed, its path is silent
  remote,  ///< the bastion closed a tunnel that stood: whoever else has one there has lost it in the same moment
};

/// Over how long those who lost one bastion together come back to it: no fifth of a fleet in one second.
inline constexpr Milliseconds k_spread = std::chrono::seconds(6);

/// What keeps those apart who lost one bastion together.
struct RetrySpread {
  std::function<Milliseconds()> until_retry_slot =
      {};  ///< within k_spread, by the wall clock; without it, chance decides
  /// Where the bastion's port is looked at: the wait from a moment that all of them see.
  std::optional<Milliseconds> spread_delay = {};
};

inline constexpr Milliseconds k_shortest_wait = std::chrono::seconds(1);
inline constexpr Milliseconds k_longest_soon = std::chrono::seconds(30);
inline constexpr Milliseconds k_longest_steady = std::chrono::seconds(60);
inline constexpr Milliseconds k_shortest_slow = std::chrono::minutes(5);
inline constexpr Milliseconds k_second_look = std::chrono::seconds(16);
inline constexpr Milliseconds k_third_look = std::chrono::seconds(30);
inline constexpr Milliseconds k_soon_again = std::chrono::seconds(3);
inline constexpr Milliseconds k_looked_at = std::chrono::seconds(60);
inline constexpr Milliseconds k_longest_slow = std::chrono::minutes(30);

class Backoff {
 public:
  /// The wait before the next attempt after one that ended with `failure`. After a run that was verified up it is zero
  /// where we alone lost the bastion, and somewhere in k_spread where others did too, as long as the budget of 20 such
  /// in ten minutes lasts (a flapping bastion is to see no storm); else a ceiling that grows threefold, and equal
  /// jitter below it, uniform(ceiling / 2, ceiling):
  /// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
  /// Asked for each 3 s at first: a name that is not resolved; a bastion that lets nobody else in (MaxStartups) or
  /// shows another host key, for neither is a refused login. What else a person must mend is tried twice within 46 s.
  /// A bastion that refuses lives, and its sshd is about to come back to others too: each asks in its turn at first, or
  /// leaves that to the looks at its port. `chance` is in [0, 1).
  [[nodiscard]] Milliseconds after(FailureClass failure, DropScope drop_scope, TimePoint now, double chance,
                                   const RetrySpread& stagger = {});

  /// A reason to believe that the cause is gone (the network came back, a person asked): may an attempt be made before
  /// its time? Bounded, tightly where only a person can mend it.
  [[nodiscard]] bool allows_early(Urgency urgency, TimePoint now);

  /// After a minute of health: waits begin small again.
  void reset() noexcept;

 private:
  [[nodiscard]] static Milliseconds spread(Milliseconds ceiling, double chance);
  [[nodiscard]] static Milliseconds jitter(Milliseconds& ceiling, Milliseconds lowest, Milliseconds highest,
                                           double chance);

  [[nodiscard]] Milliseconds after_slow(FailureClass failure, TimePoint now, double chance);
  [[nodiscard]] Milliseconds after_remote_drop(double chance, const RetrySpread& stagger);

  bool lost_alone_ = false;   ///< what was lost last, for certain: not by a silence, which others may hear too
  bool server_full_ = false;  ///< the last failure was that it let nobody in
  int slow_looks_ = 0;
  Milliseconds ceiling_{0};
  Milliseconds ceiling_slow_{0};
  Budget immediate_{20, std::chrono::minutes(10)};
  Budget early_{12, std::chrono::minutes(1)};
  Budget early_slow_{2, std::chrono::minutes(20)};
  Budget dns_budget_{60, std::chrono::hours(1)};
  Budget refused_{15, std::chrono::minutes(10)};
  Budget auth_budget_{20, std::chrono::minutes(10)};
  Budget host_key_budget_{20, std::chrono::minutes(30)};
};

}  // namespace holdfast::supervisor
