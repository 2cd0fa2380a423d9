#include "rogue_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

RogueServer::RogueServer(Rogue kind) : kind_(kind), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 || ::pipe2(stop_, O_CLOEXEC) != 0)
    throw std::runtime_error("no rogue server");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

RogueServer::~RogueServer() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

bool RogueServer::pause(int milliseconds) const {
  pollfd stop{stop_[0], POLLIN, 0};
  return ::poll(&stop, 1, milliseconds) == 0;
}

void RogueServer::serve() {
  std::vector<std::thread> talks;
  while (true) {
    pollfd wanted[] = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    if (::poll(wanted, 2, -1) < 0 || wanted[0].revents != 0) break;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0)
      talks.emplace_back([this, connection] {
        talk(connection);
        ::close(connection);
      });
  }
  for (auto& talk : talks) talk.join();
}

void RogueServer::talk(int connection) const {
  const auto say = [&](const std::string& text) {
    return ::send(connection, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
  };
  switch (kind_) {
    case Rogue::hangs_up:
      return;
    case Rogue::garbage:
      say("HTTP/1.1 400 Bad Request\r\nPermission denied (publickey).\r\n\r\n");
      return;
    case Rogue::ssh_banner:
      say("SSH-2.0-OpenSSH_9.9 rogue\r\n");
      break;
    case Rogue::endless:
      while (pause(0) && say("REMOTE HOST IDENTIFICATION HAS CHANGED!\r\n")) continue;
      break;
    case Rogue::dripping:
      while (say("please wait\r\n") && pause(50)) continue;
      return;
    case Rogue::silent:
      break;
  }
  // Until the test is over, or the other side has gone.
  char byte = 0;
  while (pause(5)) {
    const ssize_t got = ::recv(connection, &byte, 1, MSG_DONTWAIT);
    if (got == 0) return;
  }
}
