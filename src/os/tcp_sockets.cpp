#include "os/tcp_sockets.hpp"

#include "os/posix_files.hpp"
#include "os/process_sockets.hpp"
#include "os/routes.hpp"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace holdfast::os {
namespace {

struct Connection {
  TcpPair pair;
  int descriptor;  ///< the owner's
};

std::optional<Connection> only_connection(pid_t pid) {
  const auto sockets = open_sockets(pid);
  std::optional<Connection> found;
  for (const TcpSocket& socket : tcp_sockets(pid, sockets)) {
    if (socket.state != TcpSocket::State::established) continue;
    if (found) return std::nullopt;
    found = Connection{socket.pair, sockets.at(socket.inode)};
  }
  return found;
}

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

std::optional<Address> address_of(const std::string& host, std::uint16_t port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
    std::memcpy(&address.bytes, &v4, sizeof v4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
    std::memcpy(&address.bytes, &v6, sizeof v6);
  } else {
    return std::nullopt;
  }
  return address;
}

// A datagram socket to query the kernel's routing. It sends nothing.
class RouteSocket {
 public:
  explicit RouteSocket(const Address& peer) : socket_(::socket(peer.bytes.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

  [[nodiscard]] bool is_local(const Address& address) const {
    return ::bind(socket_.get(), address.get(), address.size) == 0 || errno != EADDRNOTAVAIL;
  }
  /// The local address of the route to `peer`; empty without a route.
  [[nodiscard]] std::optional<Address> source_to(const Address& peer) const {
    Address source;
    source.size = sizeof source.bytes;
    if (::connect(socket_.get(), peer.get(), peer.size) != 0) return std::nullopt;
    if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&source.bytes), &source.size) != 0)
      return std::nullopt;
    return source;
  }

 private:
  Descriptor socket_;
};

// Ignores the port.
bool is_same_host(const Address& left, const Address& right) {
  if (left.bytes.ss_family != right.bytes.ss_family) return false;
  const auto at = [](const Address& address) { return reinterpret_cast<const char*>(&address.bytes); };
  if (left.bytes.ss_family == AF_INET)
    return std::memcmp(at(left) + offsetof(sockaddr_in, sin_addr), at(right) + offsetof(sockaddr_in, sin_addr), 4) == 0;
  return std::memcmp(at(left) + offsetof(sockaddr_in6, sin6_addr), at(right) + offsetof(sockaddr_in6, sin6_addr), 16) ==
         0;
}

}  // namespace

std::optional<TcpPair> established_connection(pid_t pid) {
  const auto connection = only_connection(pid);
  if (!connection) return std::nullopt;
  return connection->pair;
}

RouteStatus route_status_of(const TcpPair& connection) {
  const auto local = address_of(connection.local.host, 0);
  const auto peer = address_of(connection.peer.host, connection.peer.port);
  if (!local || !peer) return RouteStatus::same;
  // The connection may survive: the route can return with the old address.
  if (const auto route = route_to(connection.peer.host); route && !route->usable) return RouteStatus::none;
  const auto source = RouteSocket(*peer).source_to(*peer);
  if (!source || is_same_host(*source, *local)) return RouteStatus::same;
  return RouteSocket(*local).is_local(*local) ? RouteStatus::elsewhere : RouteStatus::lost;
}

std::size_t established_connections(pid_t pid) {
  const auto sockets = tcp_sockets(pid, open_sockets(pid));
  return static_cast<std::size_t>(std::ranges::count(sockets, TcpSocket::State::established, &TcpSocket::state));
}

std::optional<int> connection_descriptor(pid_t pid) {
  const auto connection = only_connection(pid);
  if (!connection) return std::nullopt;
  return connection->descriptor;
}

bool was_answered_by_peer(int socket) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
  return size < offsetof(tcp_info, tcpi_segs_in) + sizeof info.tcpi_segs_in || info.tcpi_segs_in != 0;
}

}  // namespace holdfast::os
