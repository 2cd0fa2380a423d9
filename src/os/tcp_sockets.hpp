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

}  // namespace holdfast::os
