// A firewall that limits the rate of new connections to a bastion, as `ufw limit ssh` does. iptables' xt_recent rejects
// the sixth new connection within 30 s, and every further one until at most five were seen in 30 s.
// Pure: time is an argument. One object for each bastion of a tunnel; it limits logins and SYN probes.
#pragma once

#include "supervisor/machine/backoff.hpp"

namespace holdfast::supervisor {

/// Longer than the 30 s over which such a firewall counts: it then counts none of our connections any more.
inline constexpr Milliseconds k_limit_pause = std::chrono::seconds(31);
/// After the pause this tunnel opens at most 4 connections in any 30 s: one login and three SYN probes.
inline constexpr Milliseconds k_between_limited_logins(30'500);
inline constexpr Milliseconds k_between_limited_probes(10'500);

class ConnectionLimit {
 public:
  ConnectionLimit() = default;
  /// A limit that an earlier run found.
  explicit ConnectionLimit(TimePoint no_login_before)
      : no_login_before_(no_login_before), quiet_until_(no_login_before) {}

  /// The bastion's host reset a SYN probe: sshd does not listen, and no firewall is in the way.
  void on_reset() noexcept { was_reset_ = true; }
  /// An ICMP message rejected a SYN probe, or two probes in a row got no answer. A host without sshd resets; only a
  /// firewall rejects. Silence means a firewall only if the host has just answered, otherwise an outage. True when the
  /// pause begins, or begins again.
  [[nodiscard]] bool on_block(bool rejected, TimePoint now);
  void on_login_attempt(TimePoint now) {
    if (is_on()) no_login_before_ = now + k_between_limited_logins;
  }
  /// A login worked. True when the limit was on.
  [[nodiscard]] bool lift();

  [[nodiscard]] bool is_on() const noexcept { return no_login_before_.has_value(); }
  [[nodiscard]] std::optional<TimePoint> no_login_before() const noexcept { return no_login_before_; }
  [[nodiscard]] Milliseconds until_login(TimePoint now) const;
  /// For a watch that begins now. Zero: no limit.
  [[nodiscard]] Milliseconds until_first_bastion_probe(TimePoint now) const;

 private:
  bool was_reset_ = false;
  std::optional<TimePoint> no_login_before_;  ///< Set while the limit is on.
  TimePoint quiet_until_;                     ///< The end of the pause.
};

}  // namespace holdfast::supervisor
