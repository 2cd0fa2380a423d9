// Bastions that dropped a login of this tunnel when it logged in together with many others. A restarted supervisor
// spreads its logins there from the first return on.
#pragma once

#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::store {

struct KnownCrowd {
  std::string bastion;  ///< Destination::text()
  WallTime dropped_at;  ///< The last time.
  bool operator==(const KnownCrowd&) const = default;
};
using KnownCrowds = std::vector<KnownCrowd>;

/// paths.state_file(name, "crowd")
[[nodiscard]] fs::path known_crowds_file(const Paths& paths, const TunnelName& name);

/// One line each: "DROPPED-AT BASTION\n", the time in seconds since the epoch.
[[nodiscard]] std::string format_known_crowds(const KnownCrowds& crowds);
/// Skips invalid lines, and everything after the first 16 entries.
[[nodiscard]] KnownCrowds parse_known_crowds(std::string_view text);

[[nodiscard]] KnownCrowds read_known_crowds(const os::Host& host, const Paths& paths, const TunnelName& name);
/// Sets that bastion's line.
[[nodiscard]] Result<> keep_known_crowd(os::Host& host, const Paths& paths, const TunnelName& name,
                                        const std::string& bastion, WallTime dropped_at);

}  // namespace holdfast::store
