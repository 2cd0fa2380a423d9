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
  /// Consumes one use. False: none is left at `now`.
  [[nodiscard]] bool take(TimePoint now);

 private:
  std::size_t count_;
  std::chrono::seconds window_;
  std::deque<TimePoint> uses_;
};

/// How fast a failure is retried.
enum class Urgency {
  soon,    ///< A network failure; network events shorten the wait. 1 s to 30 s.
  steady,  ///< Any other failure. 1 s to 60 s.
  manual,  ///< Needs manual action in most cases. Twice in the first minute, then 5 min to 30 min: no bastion bans us.
};
[[nodiscard]] Urgency urgency_of(FailureClass failure) noexcept;

/// Why an attempt comes before its time.
enum class EarlyReason {
  change,  ///< The network changed, the machine resumed, or SIGUSR1.
  path,    ///< The bastion's port accepts connections again. A noisy network does not use up this budget.
};

/// Which tunnels lost their connection in a drop.
enum class DropScope {
  none,    ///< No tunnel: the attempt never came up.
  local,   ///< Only this tunnel, as far as known: its ssh was killed, or its path is silent.
  remote,  ///< Every tunnel of the bastion: it closed an established connection.
};

/// The period over which tunnels that lost a bastion together log in again, where a crowd is known (crowd.hpp): in no
/// second more than a fifth of them.
inline constexpr Milliseconds k_careful_spread = std::chrono::seconds(6);
/// The same while no crowd is known: most tunnels have their bastion to themselves.
inline constexpr Milliseconds k_optimistic_spread(200);

/// How one tunnel's retry is spread among all tunnels of its bastion.
struct RetrySpread {
  /// The wait until this tunnel's retry slot of the wall clock, up to k_careful_spread. Without it chance decides.
  std::function<Milliseconds()> until_retry_slot = {};
  std::optional<double> slot = {};  ///< This tunnel's retry slot in [0, 1).
  bool is_watched = false;          ///< The bastion's port is probed: all tunnels see its return.
  /// From the drop or the return until the login of the last slot.
  Milliseconds period = k_careful_spread;
  /// The failed login was the first one after that moment.
  bool was_first_login = false;
};

inline constexpr Milliseconds k_shortest_wait = std::chrono::seconds(1);
inline constexpr Milliseconds k_longest_soon = std::chrono::seconds(30);
inline constexpr Milliseconds k_longest_steady = std::chrono::seconds(60);
/// After a failure that is likely to be over in a moment.
inline constexpr Milliseconds k_quick_retry = std::chrono::seconds(3);
/// While SYN probes watch the bastion's port: they report its return sooner.
inline constexpr Milliseconds k_watched_retry = std::chrono::seconds(60);
/// The two early retries after a failure that needs manual action.
inline constexpr Milliseconds k_first_early_retry = std::chrono::seconds(16);
inline constexpr Milliseconds k_second_early_retry = std::chrono::seconds(30);
/// After a refused forward. The login works, so no bastion bans this machine for it.
inline constexpr Milliseconds k_denied_retry = std::chrono::minutes(2);
inline constexpr Milliseconds k_shortest_slow = std::chrono::minutes(5);
inline constexpr Milliseconds k_longest_slow = std::chrono::minutes(30);

class Backoff {
 public:
  /// The wait before the next attempt after one that ended with `failure`; `chance` is in [0, 1).
  ///
  /// After a run that was up: zero for a local drop, this slot's part of the period for a remote one. 20 times in ten
  /// minutes at most, so a flapping bastion sees no storm. Otherwise the ceiling triples with each failure and gets
  /// equal jitter, uniform(ceiling / 2, ceiling):
  /// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
  ///
  /// Exceptions, each within a budget:
  /// - An unresolved name, a changed host key, and a bastion that closes before login (MaxStartups) on a tunnel that
  ///   dropped alone are retried every 3 s. None of them counts as a refused login.
  /// - A first login that the bastion closes has met a crowd. After a shorter period than k_careful_spread the next
  ///   login takes its slot of that.
  /// - A forbidden forward is tried again after 1 to 2 min: the prohibition may be temporary.
  /// - Other failures that need manual action are retried twice within 46 s.
  /// - A refused connection means that the bastion's host is alive and its sshd will return to all tunnels at once. The
  ///   retry waits for this tunnel's slot, or is left to the SYN probes.
  [[nodiscard]] Milliseconds after(FailureClass failure, DropScope drop_scope, TimePoint now, double chance,
                                   const RetrySpread& spread = {});

  /// Whether an event that may have removed the cause allows an attempt before its time.
  [[nodiscard]] bool allows_early(Urgency urgency, TimePoint now, EarlyReason reason = EarlyReason::change);

  /// Call it after a healthy run: waits start short again.
  void reset() noexcept;

 private:
  [[nodiscard]] Milliseconds after_manual(FailureClass failure, TimePoint now, double chance);
  [[nodiscard]] Milliseconds after_remote_drop(double chance, const RetrySpread& spread);
  [[nodiscard]] Milliseconds after_optimistic_login(double slot, Milliseconds period);

  bool dropped_alone_ = false;  ///< The last drop was certainly local. A dead peer may be dead for other tunnels, too.
  bool server_full_ = false;    ///< The last failure was that the bastion closed before login.
  int early_retries_ = 0;
  Milliseconds ceiling_{0};
  Milliseconds slow_ceiling_{0};
  Budget immediate_budget_{20, std::chrono::minutes(10)};
  Budget early_budget_{12, std::chrono::minutes(1)};
  Budget path_budget_{12, std::chrono::minutes(1)};
  Budget early_manual_budget_{2, std::chrono::minutes(20)};
  Budget dns_budget_{60, std::chrono::hours(1)};
  Budget refused_budget_{15, std::chrono::minutes(10)};
  Budget server_full_budget_{20, std::chrono::minutes(10)};
  Budget denied_budget_{40, std::chrono::hours(1)};
  Budget host_key_budget_{20, std::chrono::minutes(30)};
};

}  // namespace holdfast::supervisor
