// The bastions that were seen to limit new connections, kept so that a restarted supervisor goes on obeying them.
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

/// places.state_file(name, "limit")
[[nodiscard]] fs::path connection_limits_file(const Paths& paths, const TunnelName& name);

/// A line each: "HOST PORT NO-LOGIN-BEFORE\n", the last in seconds since the epoch, rounded up.
[[nodiscard]] std::string format_connection_limits(const ConnectionLimits& limits);
/// Without the lines that are none of these, and without what follows the first 16.
[[nodiscard]] ConnectionLimits parse_connection_limits(std::string_view text);

[[nodiscard]] ConnectionLimits read_connection_limits(const os::Host& host, const Paths& paths, const TunnelName& name);
/// Sets or, without a time, removes that bastion's line. The last line that goes takes the file with it.
[[nodiscard]] Result<> keep_connection_limit(os::Host& host, const Paths& paths, const TunnelName& name,
                                             const TcpEnd& bastion, std::optional<WallTime> no_login_before);

}  // namespace holdfast::store
