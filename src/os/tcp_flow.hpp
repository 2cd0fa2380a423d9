// The kernel's knowledge of another process's TCP connection, and the settings that let it notice a dead one.
#pragma once

#include "os/tcp_sockets.hpp"

#include <sys/types.h>

#include <chrono>
#include <optional>

namespace holdfast::os {

struct TcpFlow {
  std::chrono::milliseconds since_ack{0};       ///< Since the peer's kernel last acknowledged anything.
  unsigned unanswered = 0;                      ///< Keepalive probes and retransmissions in a row without an answer.
  std::chrono::milliseconds retransmission{0};  ///< The longest wait until the next retransmission; zero: none is due.
};

/// Of an established connection: sock_diag(7), tcp_info. Empty when there is none, or the kernel does not tell.
[[nodiscard]] std::optional<TcpFlow> flow_of(const TcpPair& connection);

/// After this long without any answer the kernel ends the connection.
inline constexpr std::chrono::seconds k_flow_limit(120);
/// The kernel probes a quiet connection, and then again after each of these until the peer answers.
inline constexpr std::chrono::seconds k_keepalive_interval(1);

/// Sets the options of the only TCP connection of `pid`, which must be a descendant of ours: tcp(7).
/// - SO_LINGER with 0: the kernel resets the connection when `pid` ends. Otherwise it goes on sending the rest. On a
/// dead
///   path it would keep the local port for minutes, and the peer would learn of the end late.
/// - TCP_USER_TIMEOUT, then SO_KEEPALIVE and its times, with the first probe after `keepalive`: flow_of() shows a dead
/// path soon, and k_flow_limit ends it late.
/// - TCP_RTO_MAX_MS (Linux 6.15): a retransmission each second, so the connection goes on within a second of an
/// outage's
///   end. Without the user timeout it would end the connection after 15 s.
/// False when that is not possible.
bool tune_connection(pid_t pid, std::chrono::seconds keepalive) noexcept;

/// Whether tune_connection() can work for our children: pidfd_getfd(2) of Linux 5.6, unless a sandbox or Yama forbids
/// it. Starts a child for the test.
[[nodiscard]] bool can_tune_children() noexcept;

}  // namespace holdfast::os
