// A firewall that limits the rate of new connections to one bastion, as `ufw limit ssh` does (iptables' xt_recent: the
// sixth new connection within 30 s is rejected, and so is each one after it until no more than five were seen in 30 s).
// Pure: time is an argument. One object per bastion and tunnel; it decides on logins, and says how often to look.
#pragma once

#include "supervisor/machine/backoff.hpp"

namespace holdfast::supervisor {

/// Longer than the 30 s over which such a firewall counts: after it nothing of ours is counted any more.
inline constexpr Milliseconds k_limit_pause = std::chrono::seconds(31);
/// After the pause this tunnel opens at most 4 connections in any 30 s: one login and three looks.
inline constexpr Milliseconds k_between_limited_logins(30'500);
inline constexpr Milliseconds k_between_limited_probes(10'500);

class ConnectionLimit {
 public:
  ConnectionLimit() = default;
  /// A limit that a former supervisor found: no login before that moment.
  explicit ConnectionLimit(TimePoint no_login_before)
      : no_login_before_(no_login_before), quiet_until_(no_login_before) {}

  /// The bastion's host reset a look: sshd does not listen, and no firewall is in the way.
  void on_reset() noexcept { was_reset_ = true; }
  /// A look was rejected by ICMP, or two in a row heard nothing. A host that has no sshd resets; only a firewall
  /// rejects. Silence is a sign of one only where the host has just answered: otherwise it is an outage. True when the
  /// pause begins, or begins anew.
  [[nodiscard]] bool on_block(bool rejected, TimePoint now);
  void on_login_attempt(TimePoint now) {
    if (is_on()) no_login_before_ = now + k_between_limited_logins;
  }
  /// A login worked. True when the limit was on.
  [[nodiscard]] bool lift();

  [[nodiscard]] bool is_on() const noexcept { return no_login_before_.has_value(); }
  [[nodiscard]] std::optional<TimePoint> no_login_before() const noexcept { return no_login_before_; }
  [[nodiscard]] Milliseconds until_login(TimePoint now) const;
  /// For a watch that begins now. Zero: as often as it likes.
  [[nodiscard]] Milliseconds until_first_bastion_probe(TimePoint now) const;

 private:
  bool was_reset_ = false;
  std::optional<TimePoint> no_login_before_;  ///< while the limit is on
  TimePoint quiet_until_;                     ///< the end of the pause
};

}  // namespace holdfast::supervisor
