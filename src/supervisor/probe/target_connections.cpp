#include "supervisor/probe/target_connections.hpp"

#include "os/process_sockets.hpp"

#include <boost/asio/ip/address.hpp>

namespace holdfast::supervisor {
namespace {

using boost::asio::ip::address;

std::optional<address> numeric(const std::string& host) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(host, error);
  return error ? std::nullopt : std::optional(parsed);
}

/// ssh resolves a name, so its address is not known here.
bool may_be(const TcpEnd& target, const TcpEnd& peer) {
  if (target.port != peer.port) return false;
  const auto wanted = numeric(target.host);
  const auto actual = numeric(peer.host);
  if (!actual) return false;
  if (target.host == "localhost") return actual->is_loopback();
  if (!wanted || target.host.find('%') != std::string::npos) return true;  // /proc has no IPv6 zones
  return wanted->is_unspecified() ? actual->is_loopback() : *wanted == *actual;
}

}  // namespace

bool is_name(const End& target) {
  const auto* tcp = std::get_if<TcpEnd>(&target);
  return tcp != nullptr && tcp->host != "localhost" && !numeric(tcp->host);
}

TargetConnections::Mark TargetConnections::mark(std::optional<pid_t> ssh, const End& target) {
  if (!ssh) return std::nullopt;
  if (const auto* socket = std::get_if<SocketEnd>(&target)) return os::unix_connections_to(socket->path, *ssh);
  std::set<std::string> inodes;
  for (const auto& [inode, descriptor] : os::open_sockets(*ssh)) inodes.insert(inode);
  // ssh has at least its control socket.
  return inodes.empty() ? std::nullopt : Mark(std::move(inodes));
}

TargetConnections::Found TargetConnections::find(std::optional<pid_t> ssh, const End& target, const Mark& before) {
  if (!ssh || !before) return Found::unknown;
  if (const auto* socket = std::get_if<SocketEnd>(&target)) return find_unix(*ssh, *socket, *before);
  return find_tcp(*ssh, std::get<TcpEnd>(target), *before);
}

TargetConnections::Found TargetConnections::find_tcp(pid_t ssh, const TcpEnd& target,
                                                     const std::set<std::string>& before) {
  auto added = os::open_sockets(ssh);
  if (added.empty()) return Found::unknown;
  std::erase_if(added, [&](const auto& one) { return before.contains(one.first) || claimed_.contains(one.first); });
  auto found = Found::none;
  for (const os::TcpSocket& socket : os::tcp_sockets(ssh, added)) {
    if (!may_be(target, socket.pair.peer)) continue;
    if (socket.state != os::TcpSocket::State::connecting) {
      claimed_.insert(socket.inode);
      return Found::connected;
    }
    found = Found::connecting;
  }
  return found;
}

TargetConnections::Found TargetConnections::find_unix(pid_t ssh, const SocketEnd& target,
                                                      const std::set<std::string>& before) {
  const auto now = os::unix_connections_to(target.path, ssh);
  if (!now) return Found::unknown;
  for (const std::string& inode : *now)
    if (!before.contains(inode) && claimed_.insert(inode).second) return Found::connected;
  return Found::none;
}

}  // namespace holdfast::supervisor
