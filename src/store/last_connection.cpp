#include "store/last_connection.hpp"

#include "core/ip_address.hpp"
#include "core/text.hpp"
#include "store/private_file.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::store {
namespace {

constexpr std::size_t k_largest = 16 * 1024;
constexpr std::size_t k_longest_name = 512;

}  // namespace

std::optional<TcpEnd> parse_numeric_end(const std::string& host, const std::string& port) {
  const auto number = parse_number(port, 1, 65535);
  if (!number || !is_ip_address(host)) return std::nullopt;
  return TcpEnd{host, static_cast<std::uint16_t>(*number)};
}

fs::path last_connection_file(const Paths& paths, const TunnelName& name) {
  return paths.state_file(name, "connection");
}

std::string format_connections(const Connections& connections) {
  std::string text;
  for (const auto& [bastion, connection] : connections)
    text += connection ? fmt::format("{} {} {} {} {}\n", connection->local.host, connection->local.port,
                                     connection->peer.host, connection->peer.port, bastion)
                       : fmt::format("- - - - {}\n", bastion);
  return text;
}

Connections parse_connections(std::string_view text, const std::string& only) {
  Connections connections;
  if (text.size() > k_largest || !text.ends_with('\n')) return connections;
  for (const std::string& line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() != 4 && fields.size() != 5) continue;
    const auto local = parse_numeric_end(fields[0], fields[1]);
    const auto peer = parse_numeric_end(fields[2], fields[3]);
    const std::string& bastion = fields.size() == 5 ? fields[4] : only;
    const bool is_proxied = std::count(fields.begin(), fields.begin() + 4, "-") == 4;
    if (bastion.empty() || bastion.size() > k_longest_name || has_control_bytes(bastion)) continue;
    if (local && peer) connections.emplace(bastion, os::TcpPair{*local, *peer});
    if (is_proxied) connections.emplace(bastion, std::nullopt);
  }
  return connections;
}

Connections read_last_connections(const os::Host& host, const Paths& paths, const TunnelName& name,
                                  const std::string& only) {
  const auto text = host.read_file(last_connection_file(paths, name), k_largest);
  return text ? parse_connections(*text, only) : Connections{};
}

Result<> keep_last_connections(os::Host& host, const Paths& paths, const TunnelName& name,
                               const Connections& connections) {
  return host.write_file(last_connection_file(paths, name), format_connections(connections), k_private_mode);
}

}  // namespace holdfast::store
