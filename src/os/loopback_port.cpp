#include "os/loopback_port.hpp"

#include "os/posix_files.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast::os {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

const sockaddr* raw(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

int tcp_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

Result<std::uint16_t> find_free_loopback_port() {
  const Descriptor socket(tcp_socket());
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (!socket || ::bind(socket.get(), raw(address), size) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return errno_error("finding", "a free port on 127.0.0.1", errno);
  return ntohs(address.sin_port);
}

bool accepts_connections(std::uint16_t port) {
  const Descriptor socket(tcp_socket());
  const auto address = loopback(port);
  return socket && ::connect(socket.get(), raw(address), sizeof address) == 0;
}

LoopbackPortReservation::LoopbackPortReservation(std::uint16_t port) : socket_(tcp_socket()) {
  const int on = 1;
  const auto address = loopback(port);
  ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  (void)::bind(socket_, raw(address), sizeof address);
}

LoopbackPortReservation::~LoopbackPortReservation() {
  if (socket_ >= 0) ::close(socket_);
}

}  // namespace holdfast::os
