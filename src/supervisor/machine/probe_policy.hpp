// When an open tunnel is probed, how long a probe waits, and how much silence means a dead peer. Pure.
#pragma once

#include "supervisor/machine/events.hpp"
#include "supervisor/machine/rules.hpp"

#include <optional>

namespace holdfast::supervisor {

/// While a target is down or a port is busy.
inline constexpr Milliseconds k_target_recheck = std::chrono::seconds(10);

/// While some forwards were not probed yet, because the target had as many connections as sshd allows.
inline constexpr Milliseconds k_incomplete_recheck = std::chrono::seconds(2);

/// From the refusal of a forward to the first probe of the open ones.
inline constexpr Milliseconds k_first_probe_in_conflict{1};

inline constexpr Milliseconds k_probe_timeout = std::chrono::seconds(3);
/// For a target whose name is being resolved: a resolver gives up after 5 s a server, resolv.conf(5).
inline constexpr Milliseconds k_long_probe_timeout = std::chrono::seconds(9);
/// After a resume or a change of route the connection is more likely dead than slow. The probe gets this, plus four
/// measured round trips. It covers one retransmission by TCP (200 ms at least: TCP_RTO_MIN of Linux).
inline constexpr Milliseconds k_short_probe_timeout = std::chrono::milliseconds(400);
/// After this machine had no route to the bastion: TCP's next retransmission may be seconds away. Two probes, so 10 s.
inline constexpr Milliseconds k_returned_probe_timeout = std::chrono::seconds(5);
/// As k_short_probe_timeout while no round trip was measured.
inline constexpr Milliseconds k_unmeasured_probe_timeout = std::chrono::seconds(1);

/// Many changes of the network cause one probe in this time: each one reaches the target, too.
inline constexpr Milliseconds k_between_change_probes = std::chrono::seconds(5);

class ProbePolicy {
 public:
  /// The wait until the next probe while up: 80 % to 100 % of the probe interval; `chance` is in [0, 1).
  [[nodiscard]] static Milliseconds interval(const Rules& rules, double chance);
  [[nodiscard]] static Milliseconds recheck_interval(const Rules& rules);
  /// After a probe that was verified or unproven. Unproven without a cause: the next one reaches what it spared.
  [[nodiscard]] static Milliseconds interval_after(const ProbeAnswered& answer, const Rules& rules, double chance);

  /// Of the next probe.
  [[nodiscard]] Milliseconds timeout(const Rules& rules, std::optional<double> rtt_ms) const;

  /// The wait from a change of the network to its probe. Zero: now, and the next one waits.
  [[nodiscard]] Milliseconds until_change_probe(TimePoint now);

  /// Something suggests that the path is dead: the next probes get less time, until one is answered.
  void suspect_dead_path() noexcept { suspects_dead_path_ = true; }
  [[nodiscard]] bool suspects_dead_path() const noexcept { return suspects_dead_path_; }
  /// This machine has no route to the bastion: silence means nothing. The next probes get more time, until one is
  /// answered.
  void on_no_route() noexcept {
    on_answer();
    had_no_route_ = true;
  }
  /// Packets are lost: silence says nothing about the peer.
  void on_silent_path() noexcept {
    silences_ = 0;
    suspects_dead_path_ = false;
  }
  [[nodiscard]] bool had_no_route() const noexcept { return had_no_route_; }
  void on_answer() noexcept {
    silences_ = 0;
    suspects_dead_path_ = had_no_route_ = false;
  }
  /// Counts a request for a forward without an answer. True: the peer counts as dead.
  [[nodiscard]] bool on_silent_request() noexcept;
  /// Counts a probe without an answer. True: the peer counts as dead. A named target gets one probe more.
  [[nodiscard]] bool on_silent_probe(const Rules& rules) noexcept;

 private:
  int silences_ = 0;  ///< In a row.
  bool suspects_dead_path_ = false;
  bool had_no_route_ = false;
  TimePoint change_probed_at_ = {};
};

}  // namespace holdfast::supervisor
