// The TCP connections of a process, from /proc/PID/fd and /proc/net/tcp{,6}: proc(5).
#pragma once

#include "core/forward.hpp"

#include <sys/types.h>

#include <cstddef>
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
/// How many `pid` has.
[[nodiscard]] std::size_t established_connections(pid_t pid);
/// The descriptor of `pid` for established_connection().
[[nodiscard]] std::optional<int> connection_descriptor(pid_t pid);

/// The present route to the peer of a connection.
enum class RouteStatus {
  same,       ///< uses the connection's local address, or is not known
  elsewhere,  ///< uses another local address; the connection's address still exists
  lost,       ///< uses another local address; the connection's no longer exists, so none of its packets are sent
  none,       ///< there is no route, or its interface has no carrier
};
[[nodiscard]] RouteStatus route_status_of(const TcpPair& connection);

/// After a refused non-blocking connect(2): true if the peer itself sent a reset, false if an ICMP message, as from a
/// firewall, refused it. By tcpi_segs_in (Linux 4.2); always true before that. The error queue (IP_RECVERR) reports
/// this for TCP only since 5.8.
[[nodiscard]] bool was_answered_by_peer(int socket) noexcept;

}  // namespace holdfast::os
