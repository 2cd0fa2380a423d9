// The settings of a supervisor machine for one tunnel, and its fixed limits.
#pragma once

#include "core/tunnel.hpp"
#include "supervisor/machine/backoff.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace holdfast::supervisor {

inline constexpr Milliseconds k_attempt_limit = std::chrono::seconds(60);
inline constexpr Milliseconds k_kill_grace = std::chrono::seconds(3);
/// A run that was up this long resets the backoff.
inline constexpr Milliseconds k_healthy_run = std::chrono::seconds(60);

/// A run that is up this long after a failback counts as lasting.
inline constexpr Milliseconds k_settled = std::chrono::minutes(10);
/// How long a fallback bastion carries the tunnel before a better one is probed. Doubles after each failback that did
/// not last.
inline constexpr Milliseconds k_shortest_failback_delay = std::chrono::seconds(10);
inline constexpr Milliseconds k_longest_failback_delay = std::chrono::minutes(10);
/// Between failed failback probes of one bastion. PathRestored shortens it.
inline constexpr Milliseconds k_longest_between_failback_probes = std::chrono::minutes(5);

/// A port that stays busy this long sends the tunnel to the next bastion, if there is one.
inline constexpr Milliseconds k_port_conflict_limit = std::chrono::seconds(30);
/// From a knock or a takeover to the next request for the port.
inline constexpr Milliseconds k_after_knock{250};
/// How long a host that may stand by takes the port's holder for its own stale session.
inline constexpr Milliseconds k_reclaim = std::chrono::minutes(2);
/// How long knocks may take before a command on the bastion is considered.
inline constexpr Milliseconds k_before_takeover = std::chrono::seconds(5);
inline constexpr Milliseconds k_between_takeovers = std::chrono::minutes(2);

// A standby gets the port within 15 s after its owner released it: 13 s, plus request and probe. Each refusal adds two
// lines to the bastion's log, so it asks no more often than that needs. Jitter keeps hosts from asking in step.
inline constexpr Milliseconds k_shortest_standby = std::chrono::seconds(9);
inline constexpr Milliseconds k_longest_standby = std::chrono::seconds(13);
/// ssh keeps a record of each refused request, and each one makes the next slower. After so many a new login is due.
inline constexpr int k_most_refusals = 2000;

/// A refused port whose probe the bastion forbids may be held by a stale session. After so many answers, this long
/// apart, the forward counts as forbidden.
inline constexpr int k_prohibition_limit = 7;
inline constexpr Milliseconds k_between_prohibitions = std::chrono::seconds(10);

/// Even a network change does not make a standby ask more often than this.
inline constexpr Milliseconds k_between_standby_requests = std::chrono::seconds(1);

struct Rules {
  std::size_t forwards = 1;
  std::size_t bastions = 1;
  std::chrono::seconds probe_interval{60};
  bool standby = false;         ///< host = any: a busy port means that another host has the tunnel.
  bool takeover = false;        ///< A command on the bastion may end this tunnel's stale session.
  bool target_by_name = false;  ///< ssh resolves a target's name in its only thread: silence may be a slow resolver.
  /// By bastion: an earlier run held the forwards there, so a refusal means a stale session, not a prohibition.
  std::vector<bool> previously_held = {};
  /// By bastion: an earlier run found that a firewall limits new connections (connection_limit.hpp).
  std::vector<std::optional<TimePoint>> no_login_before = {};
  /// By bastion: an earlier run found a crowd, which is forgotten at that time (crowd.hpp).
  std::vector<std::optional<TimePoint>> known_crowds = {};
  /// The message for a failure that the machine itself finds; `forward`: the forward it is about. Pure.
  std::function<Diagnosis(FailureClass, std::optional<std::size_t> forward)> explain;
  /// How long the refused logins of all tunnels of this machine keep this one from that bastion. `was_refused`: its own
  /// last login there was, so it counts, too.
  std::function<Milliseconds(std::size_t bastion, bool was_refused)> until_login = {};
  /// The slots of this tunnel among all tunnels that lost that bastion. The machine sets the other fields.
  std::function<RetrySpread(std::size_t bastion)> spread = {};
  /// RetrySpread::period while no crowd is known.
  Milliseconds first_spread = k_optimistic_spread;
};

/// Refers to `tunnel`, which must outlive the result; messages follow its later assignments.
[[nodiscard]] Rules rules_of(const Tunnel& tunnel);

}  // namespace holdfast::supervisor
