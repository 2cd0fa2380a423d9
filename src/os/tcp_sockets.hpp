// The TCP connections of a process, from /proc/PID/fd and /proc/net/tcp{,6}: proc(5).
#pragma once

#include "core/forward.hpp"

#include <sys/types.h>

#include <optional>

namespace holdfast::os {

/// The two ends of one TCP connection, numeric.
struct TcpPair {
  TcpEnd local;
  TcpEnd peer;
  bool operator==(const TcpPair&) const = default;
};

/// The established TCP connection of `pid`; empty when it has none or several. With a ProxyCommand or ProxyJump the
/// socket belongs to another process.
[[nodiscard]] std::optional<TcpPair> established_connection(pid_t pid);

/// The present route to the peer of a connection.
enum class RouteStatus {
  same,       ///< uses the connection's local address, or is not known
  elsewhere,  ///< uses another local address; the connection's address still exists
  lost,       ///< uses another local address; the connection's no longer exists, so none of its packets are sent
  none,       ///< there is no route, or its interface has no carrier
};
[[nodiscard]] RouteStatus route_status_of(const TcpPair& connection);

/// Makes the kernel reset that connection when `pid` closes it or ends (SO_LINGER with 0). Otherwise the kernel goes on
/// sending the rest: on a dead path it would keep the local port for minutes, and the peer would learn of the end late.
/// Works for our own descendants (pidfd_getfd(2), Linux 5.6, ptrace access). False when that is not possible.
bool reset_on_close(pid_t pid) noexcept;

/// After a refused non-blocking connect(2): true if the peer itself sent a reset, false if an ICMP message, as from a
/// firewall, refused it. By tcpi_segs_in (Linux 4.2); always true before that. The error queue (IP_RECVERR) reports
/// this for TCP only since 5.8.
[[nodiscard]] bool was_answered_by_peer(int socket) noexcept;

}  // namespace holdfast::os
