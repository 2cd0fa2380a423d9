#include "os/socket_addresses.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/un.h>

namespace holdfast::os {
namespace {

namespace ip = boost::asio::ip;

template <typename Endpoint>
SocketAddress bytes_of(const Endpoint& endpoint) {
  return {reinterpret_cast<const char*>(endpoint.data()), endpoint.size()};
}

SocketAddress bytes_of(const ip::address& address, std::uint16_t port) {
  return bytes_of(ip::tcp::endpoint(address, port));
}

}  // namespace

std::vector<SocketAddress> socket_addresses(const End& target) {
  if (const auto* socket = std::get_if<SocketEnd>(&target)) {
    if (socket->path.size() >= sizeof(sockaddr_un::sun_path)) return {};
    return {bytes_of(boost::asio::local::stream_protocol::endpoint(socket->path))};
  }
  const auto& [host, port] = std::get<TcpEnd>(target);
  if (host == "localhost")
    return {bytes_of(ip::address_v4::loopback(), port), bytes_of(ip::address_v6::loopback(), port)};
  boost::system::error_code error;
  const auto address = ip::make_address(host, error);
  if (error) return {};
  return {bytes_of(address, port)};
}

}  // namespace holdfast::os
