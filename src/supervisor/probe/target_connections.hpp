// Whether our own ssh connects to a target while a probe is open, by its sockets in /proc. A program that answers on
// the bastion's port may belong to somebody else.
#pragma once

#include "core/forward.hpp"

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>

namespace holdfast::supervisor {

/// True for a target that ssh must resolve: no address, no "localhost", no socket.
[[nodiscard]] bool is_name(const End& target);

class TargetConnections {
 public:
  enum class Found {
    connected,
    connecting,  ///< ssh waits for the target to accept.
    none,
    unknown,  ///< /proc does not tell.
  };

  /// The sockets that existed before a probe began, by inode. Empty: not known.
  using Mark = std::optional<std::set<std::string>>;

  /// `ssh`: its pid.
  [[nodiscard]] static Mark mark(std::optional<pid_t> ssh, const End& target);
  /// Call it while the probe is open. A connection counts for one probe only.
  [[nodiscard]] Found find(std::optional<pid_t> ssh, const End& target, const Mark& before);

  /// Before another round of probes.
  void start_over() { claimed_.clear(); }

 private:
  [[nodiscard]] Found find_tcp(pid_t ssh, const TcpEnd& target, const std::set<std::string>& before);
  [[nodiscard]] Found find_unix(pid_t ssh, const SocketEnd& target, const std::set<std::string>& before);

  std::set<std::string> claimed_;  ///< Inodes.
};

}  // namespace holdfast::supervisor
