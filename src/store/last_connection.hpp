// The two ends of the last connection that carried a tunnel, by bastion, kept over a power cut: what a knock needs.
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

/// By Destination::text().
using Connections = std::map<std::string, os::TcpPair>;

/// places.state_file(name, "connection")
[[nodiscard]] fs::path last_connection_file(const Paths& paths, const TunnelName& name);

/// An address and a port as they were written by us; nothing for a name, or for anything else.
[[nodiscard]] std::optional<TcpEnd> parse_numeric_end(const std::string& host, const std::string& port);

/// A line each: "LOCAL-HOST LOCAL-PORT PEER-HOST PEER-PORT BASTION\n"
[[nodiscard]] std::string format_connections(const Connections& connections);
/// Without the lines that are none of these; one without a bastion, as written before there were several, is that of
/// `only`.
[[nodiscard]] Connections parse_connections(std::string_view text, const std::string& only);

[[nodiscard]] Connections read_last_connections(const os::Host& host, const Paths& paths, const TunnelName& name,
                                                const std::string& only);
[[nodiscard]] Result<> keep_last_connections(os::Host& host, const Paths& paths, const TunnelName& name,
                                             const Connections& connections);

}  // namespace holdfast::store
