// The kernel's own connections on loopback.
#include "os/tcp_flow.hpp"

#include "os/posix_files.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace holdfast::os {
namespace {

sockaddr* as_address(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

TcpEnd end_of(int socket, bool peer) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  BOOST_REQUIRE((peer ? ::getpeername : ::getsockname)(socket, as_address(address), &size) == 0);
  return {"127.0.0.1", ntohs(address.sin_port)};
}

struct Connection {
  Connection()
      : listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::bind(listener.get(), as_address(address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(listener.get(), 1) == 0);
    address.sin_port = htons(end_of(listener.get(), false).port);
    BOOST_REQUIRE(::connect(client.get(), as_address(address), sizeof address) == 0);
    server = Descriptor(::accept(listener.get(), nullptr, nullptr));
    BOOST_REQUIRE(server);
  }
  [[nodiscard]] TcpPair pair() const { return {end_of(client.get(), false), end_of(client.get(), true)}; }

  Descriptor listener;
  Descriptor client;
  Descriptor server;
};

int option_of(const Descriptor& socket, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  BOOST_REQUIRE(::getsockopt(socket.get(), level, option, &value, &size) == 0);
  return value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tcp_flow)

BOOST_AUTO_TEST_CASE(a_live_connection_has_no_unanswered_packets) {
  const Connection connection;
  BOOST_REQUIRE(::write(connection.client.get(), "x", 1) == 1);
  const auto flow = flow_of(connection.pair());
  BOOST_REQUIRE(flow);
  BOOST_TEST(flow->unanswered == 0U);
  BOOST_TEST((flow->since_ack < std::chrono::minutes(1)));
}

BOOST_AUTO_TEST_CASE(a_closed_connection_and_a_listener_are_unknown) {
  Connection connection;
  const TcpPair pair = connection.pair();
  const TcpPair nobody{pair.peer, {"127.0.0.1", 1}};  // the kernel finds the listener
  BOOST_TEST(!flow_of(nobody));
  connection.server = Descriptor();
  connection.client = Descriptor();
  BOOST_TEST(!flow_of(pair));
  BOOST_TEST(!flow_of({{"a name", 1}, {"another", 2}}));
}

BOOST_AUTO_TEST_CASE(the_connection_of_a_child_is_tuned) {
  if (!can_tune_children()) return;  // some containers forbid it
  const Connection connection;
  const pid_t child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    ::close(connection.server.get());
    ::close(connection.listener.get());
    for (;;) ::pause();
  }
  // The child may not have closed its other descriptors yet: then it has two connections.
  bool tuned = false;
  for (int attempt = 0; attempt < 1000 && !tuned; ++attempt) {
    tuned = tune_connection(child, std::chrono::seconds(20));
    if (!tuned) ::usleep(5000);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  BOOST_REQUIRE(tuned);
  BOOST_TEST(option_of(connection.client, SOL_SOCKET, SO_KEEPALIVE) == 1);
  BOOST_TEST(option_of(connection.client, IPPROTO_TCP, TCP_KEEPIDLE) == 20);
  BOOST_TEST(option_of(connection.client, IPPROTO_TCP, TCP_KEEPINTVL) == 1);
  BOOST_TEST(option_of(connection.client, IPPROTO_TCP, TCP_KEEPCNT) == 120);
  BOOST_TEST(option_of(connection.client, IPPROTO_TCP, TCP_USER_TIMEOUT) == 120'000);
  linger wanted{};
  socklen_t size = sizeof wanted;
  BOOST_REQUIRE(::getsockopt(connection.client.get(), SOL_SOCKET, SO_LINGER, &wanted, &size) == 0);
  BOOST_TEST(wanted.l_onoff == 1);
  BOOST_TEST(wanted.l_linger == 0);
}

BOOST_AUTO_TEST_CASE(a_process_without_one_connection_is_not_tuned) {
  BOOST_TEST(!tune_connection(::getppid(), std::chrono::seconds(5)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace holdfast::os
