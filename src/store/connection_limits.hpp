// Bastions with a rate limit for new connections. A restarted supervisor keeps to the limits that it reads here.
#pragma once

#include "core/forward.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::store {

struct ConnectionLimit {
  TcpEnd bastion;  ///< numeric
  WallTime no_login_before;
  bool operator==(const ConnectionLimit&) const = default;
};
using ConnectionLimits = std::vector<ConnectionLimit>;

/// paths.state_file(name, "limit")
[[nodiscard]] fs::path connection_limits_file(const Paths& paths, const TunnelName& name);

/// One line each: "HOST PORT NO-LOGIN-BEFORE\n", the time in seconds since the epoch, rounded up.
[[nodiscard]] std::string format_connection_limits(const ConnectionLimits& limits);
/// Skips invalid lines, and everything after the first 16 entries.
[[nodiscard]] ConnectionLimits parse_connection_limits(std::string_view text);

[[nodiscard]] ConnectionLimits read_connection_limits(const os::Host& host, const Paths& paths, const TunnelName& name);
/// Sets that bastion's line, or removes it when there is no time. Removes the file with its last line.
[[nodiscard]] Result<> keep_connection_limit(os::Host& host, const Paths& paths, const TunnelName& name,
                                             const TcpEnd& bastion, std::optional<WallTime> no_login_before);

}  // namespace holdfast::store
