#include "store/exposure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace holdfast::store {
namespace {

bool is_wildcard(std::string_view listen) {
  constexpr std::array<std::string_view, 4> k_wildcards{"", "*", "0.0.0.0", "[::]"};
  return std::ranges::find(k_wildcards, listen.substr(0, listen.rfind(':'))) != k_wildcards.end();
}

}  // namespace

// channel_fwd_bind_addr in channels.c of openssh-portable: with GatewayPorts yes the server ignores the bind address.
std::optional<Exposure> exposure_of(std::string_view listen, Bound bound) {
  if (bound != Bound::all || is_wildcard(listen)) return std::nullopt;
  return Exposure{
      fmt::format("the bastion listens on all its addresses, not only on {}: other hosts can connect to it", listen),
      "set GatewayPorts clientspecified (or no) in the bastion's sshd_config, and restart the tunnel"};
}

}  // namespace holdfast::store
