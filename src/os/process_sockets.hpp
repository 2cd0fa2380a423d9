// The sockets of a process, from /proc/PID/fd and /proc/PID/net: proc(5). Only those of our own user's processes.
#pragma once

#include "os/tcp_sockets.hpp"

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::os {

/// The sockets that `pid` has open: inode to descriptor. Empty when /proc does not tell.
[[nodiscard]] std::map<std::string, int> open_sockets(pid_t pid);

struct TcpSocket {
  TcpPair pair;
  std::string inode;
  enum class State { connecting, established, other } state = State::other;
};

/// Those of `sockets` that are TCP, in the network namespace of `pid`.
[[nodiscard]] std::vector<TcpSocket> tcp_sockets(pid_t pid, const std::map<std::string, int>& sockets);

/// The connections to the unix socket at `path`, in the network namespace of `pid`: inodes of accepted ones, and a text
/// for each one that waits to be accepted.
/// Nothing when no listener is known by that path: it may have been bound by another name, or in another namespace.
[[nodiscard]] std::optional<std::set<std::string>> unix_connections_to(const std::string& path, pid_t pid);

}  // namespace holdfast::os
