// TCP connections of a process, as Linux shows them: /proc/PID/fd and /proc/net/tcp{,6}, proc(5).
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

/// The one established TCP connection of `pid`; nothing when it has none, or several, or none of its own
/// (behind a ProxyCommand or ProxyJump the socket belongs to another process).
[[nodiscard]] std::optional<TcpPair> established_connection(pid_t pid);

/// The way from here to a connection's other end, as it is now.
enum class RouteStatus {
  same,       ///< as the connection goes, or there is none at all
  elsewhere,  ///< a new connection would go out by another address of ours; this one's is still ours
  lost,       ///< and this one's is not ours any more: nothing of it leaves this machine
};
[[nodiscard]] RouteStatus route_status_of(const TcpPair& connection);

/// Makes the kernel reset that one connection when `pid` lets go of it, however it ends, in place of sending the rest
/// in the background: an orphan on a dead path would hold the local port for minutes, and the other end would not hear
/// of the end at once. Works on our own descendants (pidfd_getfd(2), Linux 5.6, ptrace access). False: not possible.
bool reset_on_close(pid_t pid) noexcept;

/// After a non-blocking connect(2) was refused: the peer itself answered, with a reset. False: an ICMP message refused
/// it, which is what a firewall sends. Counted by the kernel since Linux 4.2 (tcpi_segs_in); before that, always true.
/// The error queue (IP_RECVERR) tells the same of TCP since 5.8 only.
[[nodiscard]] bool was_answered_by_peer(int socket) noexcept;

}  // namespace holdfast::os
