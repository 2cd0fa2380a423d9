// Both ends of the last TCP connection that carried a tunnel, by bastion. They survive a power cut: the knock (ADR 5)
// needs them.
#pragma once

#include "core/forward.hpp"
#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "os/tcp_sockets.hpp"
#include "store/paths.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::store {

/// By Destination::text(). Without a pair the tunnel's ports were held there over a proxy.
using Connections = std::map<std::string, std::optional<os::TcpPair>>;

/// paths.state_file(name, "connection")
[[nodiscard]] fs::path last_connection_file(const Paths& paths, const TunnelName& name);

/// A numeric address and a port; nothing for a name or an invalid port.
[[nodiscard]] std::optional<TcpEnd> parse_numeric_end(const std::string& host, const std::string& port);

/// One line each: "LOCAL-HOST LOCAL-PORT PEER-HOST PEER-PORT BASTION\n", with "-" for each end that is not known.
[[nodiscard]] std::string format_connections(const Connections& connections);
/// Skips invalid lines. A line without a bastion, from a version that knew only one, belongs to `only`.
[[nodiscard]] Connections parse_connections(std::string_view text, const std::string& only);

[[nodiscard]] Connections read_last_connections(const os::Host& host, const Paths& paths, const TunnelName& name,
                                                const std::string& only);
[[nodiscard]] Result<> keep_last_connections(os::Host& host, const Paths& paths, const TunnelName& name,
                                             const Connections& connections);

}  // namespace holdfast::store
