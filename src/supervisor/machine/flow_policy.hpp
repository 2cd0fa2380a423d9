// Whether a connection that hears nothing is dead. Unanswered packets alone do not tell: in an outage the connection
// may live on. It is dead when the bastion's host answers SYN probes meanwhile, as after a NAT or a firewall on the way
// has forgotten the connection. Pure: time is an argument.
#pragma once

#include "os/tcp_flow.hpp"
#include "supervisor/machine/backoff.hpp"

#include <optional>

namespace holdfast::supervisor {

/// Packets in a row without an answer: lost ones, or an outage. At 20 % loss each way eight are lost once in an hour.
inline constexpr unsigned k_suspicious_packets = 2;
inline constexpr unsigned k_dead_packets = 8;
/// The same where TCP doubles the time between them (no TCP_RTO_MAX_MS): the sixth one is 13 s after the first.
inline constexpr unsigned k_dead_retransmissions = 6;
/// SYN probes in a row without an answer that make an outage.
inline constexpr int k_silences_of_outage = 2;
/// SYN probes in a row that the bastion's host must answer meanwhile, and how long at least.
inline constexpr int k_answers_needed = 3;
inline constexpr Milliseconds k_time_to_recover = std::chrono::seconds(2);

/// While it is silent: its return is noticed so soon after the kernel's keepalive, which comes once a second.
inline constexpr Milliseconds k_silent_check(250);

inline constexpr Milliseconds k_between_answered_probes = std::chrono::seconds(1);
inline constexpr Milliseconds k_between_silent_probes = std::chrono::seconds(3);

class FlowPolicy {
 public:
  enum class Verdict {
    heard,
    interrupted,  ///< Silent for the first time.
    silent,
    returned,   ///< Still silent, its next packet is far away, and the bastion's host answers SYN probes again.
    recovered,  ///< Heard again, for the first time.
    dead,
  };
  [[nodiscard]] Verdict on_flow(const os::TcpFlow& flow, TimePoint now);
  void on_syn_probe(bool answered, TimePoint now);
  /// A firewall rejected the SYN probe: it may count connections.
  void on_rejection(TimePoint now);

  [[nodiscard]] bool is_probe_due(TimePoint now) const { return now >= next_probe_; }
  /// The wait until the next on_flow(). While the connection is heard 5 s to 8 s: the kernel's keepalive is
  /// acknowledged every 5 s, so a silence of 10 s is never missed.
  [[nodiscard]] static Milliseconds until_check(Verdict verdict, const os::TcpFlow& flow);

 private:
  bool silent_ = false;
  int answers_ = 0;   ///< In a row, while the connection is silent.
  int silences_ = 0;  ///< In a row.
  bool path_returned_ = false;
  TimePoint answering_since_;
  TimePoint next_probe_;
};

}  // namespace holdfast::supervisor
