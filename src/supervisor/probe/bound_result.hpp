// Which addresses of the bastion a forward listens on, from a connection to the forward's port that this machine makes
// without the tunnel. Pure.
#pragma once

#include "core/forward.hpp"
#include "store/live_state.hpp"
#include "supervisor/probe/probe_result.hpp"
#include "supervisor/probe/target_connections.hpp"

#include <optional>
#include <string>

namespace holdfast::supervisor {

/// How such a connection ended.
struct DirectDial {
  enum class Kind {
    answered,
    refused,  ///< By a TCP reset.
    silent,   ///< No answer, or an error that says nothing about the port: an ICMP message of a firewall, no route.
  } kind = Kind::silent;
  /// With `answered`: whether this tunnel's ssh connected to the target meanwhile.
  TargetConnections::Found found = TargetConnections::Found::none;
};

/// Where to connect to. `bastion`: the numeric address that ssh is connected to. Nothing when that would not tell the
/// bastion's loopback from its other addresses.
[[nodiscard]] std::optional<TcpEnd> direct_end(const std::string& bastion, const End& listen);

[[nodiscard]] store::Bound bound_of(const DirectDial& dial, const TcpEnd& dialled, const TcpEnd& listen);

/// True if `listen` asks for all addresses of the bastion.
[[nodiscard]] bool asks_for_all(const End& listen);

/// The bastion listens on its loopback addresses, but was asked for all: `dialled` refused a connection.
[[nodiscard]] ForwardResult only_loopback(const Forward& forward, const std::string& bastion);

}  // namespace holdfast::supervisor
