// The kernel's route to an address: rtnetlink(7), RTM_GETROUTE.
#pragma once

#include <optional>
#include <string>

namespace holdfast::os {

struct Route {
  bool usable = false;  ///< The kernel has a route, and its interface has a carrier.
  unsigned interface = 0;
  std::string gateway;  ///< As the kernel wrote it, binary; empty for a peer on the link.
  std::string source;   ///< The local address, binary.
  bool operator==(const Route&) const = default;
};

/// `host` is numeric. Empty when the kernel cannot be asked: netlink is forbidden, `host` is a name, or it is a
/// link-local address, whose interface is not known.
[[nodiscard]] std::optional<Route> route_to(const std::string& host);

}  // namespace holdfast::os
