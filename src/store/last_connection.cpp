#include "store/last_connection.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

namespace holdfast::store {
namespace {

constexpr std::size_t k_longest_line = 256;
constexpr std::size_t k_longest_address = 64;

std::optional<TcpEnd> end_from(const std::string& host, const std::string& port) {
  const auto number = parse_number(port, 1, 65535);
  const bool numeric = !host.empty() && host.size() <= k_longest_address &&
                       host.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
  if (!number || !numeric) return std::nullopt;
  return TcpEnd{host, static_cast<std::uint16_t>(*number)};
}

}  // namespace

fs::path last_connection_file(const Places& places, const TunnelName& name) {
  return places.state_file(name, "connection");
}

std::string format_connection(const os::TcpPair& connection) {
  return fmt::format("{} {} {} {}\n", connection.local.host, connection.local.port, connection.peer.host,
                     connection.peer.port);
}

std::optional<os::TcpPair> parse_connection(std::string_view text) {
  if (text.size() > k_longest_line || !text.ends_with('\n')) return std::nullopt;
  const auto words = split(text.substr(0, text.size() - 1), ' ');
  if (words.size() != 4) return std::nullopt;
  const auto local = end_from(words[0], words[1]);
  const auto peer = end_from(words[2], words[3]);
  if (!local || !peer) return std::nullopt;
  return os::TcpPair{*local, *peer};
}

std::optional<os::TcpPair> read_last_connection(const os::Host& host, const Places& places, const TunnelName& name) {
  const auto text = host.read_file(last_connection_file(places, name), k_longest_line);
  if (!text) return std::nullopt;
  return parse_connection(*text);
}

Result<> keep_last_connection(os::Host& host, const Places& places, const TunnelName& name,
                              const os::TcpPair& connection) {
  constexpr mode_t k_private = 0600;
  return host.write_file(last_connection_file(places, name), format_connection(connection), k_private);
}

}  // namespace holdfast::store
