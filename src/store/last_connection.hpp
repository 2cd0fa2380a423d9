// The two ends of the last connection that carried a tunnel, kept over a power cut: what a knock needs.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "os/tcp_sockets.hpp"
#include "store/places.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::store {

/// places.state_file(name, "connection")
[[nodiscard]] fs::path last_connection_file(const Places& places, const TunnelName& name);

/// "LOCAL-HOST LOCAL-PORT PEER-HOST PEER-PORT\n"
[[nodiscard]] std::string format_connection(const os::TcpPair& connection);
/// Nothing for any other text.
[[nodiscard]] std::optional<os::TcpPair> parse_connection(std::string_view text);

[[nodiscard]] std::optional<os::TcpPair> read_last_connection(const os::Host& host, const Places& places,
                                                              const TunnelName& name);
[[nodiscard]] Result<> keep_last_connection(os::Host& host, const Places& places, const TunnelName& name,
                                            const os::TcpPair& connection);

}  // namespace holdfast::store
