#include "os/tcp_flow.hpp"

#include "os/netlink.hpp"
#include "os/posix_files.hpp"
#include "os/process_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace holdfast::os {
namespace {

constexpr unsigned char k_established = 1;  // TCP_ESTABLISHED, which only the kernel's own headers define
constexpr int k_rto_max = 44;               // TCP_RTO_MAX_MS, which older headers lack

struct Request {
  nlmsghdr header{};
  inet_diag_req_v2 query{};
};

bool set_address(const std::string& host, unsigned char family, __be32* address) {
  return ::inet_pton(family, host.c_str(), address) == 1;
}

std::optional<Request> request_for(const TcpPair& connection) {
  Request request;
  request.query.sdiag_family = connection.local.host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  request.query.sdiag_protocol = IPPROTO_TCP;
  request.query.idiag_ext = 1U << (INET_DIAG_INFO - 1U);
  request.query.idiag_states = 1U << k_established;
  inet_diag_sockid& id = request.query.id;
  id.idiag_sport = htons(connection.local.port);
  id.idiag_dport = htons(connection.peer.port);
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (!set_address(connection.local.host, request.query.sdiag_family, id.idiag_src)) return std::nullopt;
  if (!set_address(connection.peer.host, request.query.sdiag_family, id.idiag_dst)) return std::nullopt;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_len = sizeof request;
  return request;
}

TcpFlow parse_flow(std::string_view info_bytes) {
  tcp_info info{};
  std::memcpy(&info, info_bytes.data(), std::min(info_bytes.size(), sizeof info));
  TcpFlow flow{.since_ack = std::chrono::milliseconds(info.tcpi_last_ack_recv),
               .unanswered = unsigned{info.tcpi_probes} + info.tcpi_retransmits};
  if (info.tcpi_retransmits != 0) flow.retransmission = std::chrono::milliseconds(info.tcpi_rto / 1000);
  return flow;
}

/// A copy of a descriptor of `pid`. Close it soon: while it is open, the end of `pid` does not close the connection.
Descriptor copy_of(pid_t pid, int descriptor) noexcept {
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_getfd)
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return Descriptor(-1);
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), descriptor, 0)));
#else
  (void)pid;
  (void)descriptor;
  return Descriptor(-1);
#endif
}

bool set(const Descriptor& socket, int level, int option, std::int64_t value) noexcept {
  const int number = static_cast<int>(value);
  return ::setsockopt(socket.get(), level, option, &number, sizeof number) == 0;
}

bool set_keepalive(const Descriptor& socket, std::chrono::seconds keepalive) noexcept {
  if (!set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, std::chrono::milliseconds(k_flow_limit).count())) return false;
  (void)set(socket, IPPROTO_TCP, k_rto_max, 1000);
  return set(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.count()) &&
         set(socket, IPPROTO_TCP, TCP_KEEPINTVL, k_keepalive_interval.count()) &&
         set(socket, IPPROTO_TCP, TCP_KEEPCNT, k_flow_limit / k_keepalive_interval) &&
         set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

}  // namespace

std::optional<TcpFlow> flow_of(const TcpPair& connection) {
  const auto request = request_for(connection);
  if (!request) return std::nullopt;
  const auto answer = ask_kernel(NETLINK_SOCK_DIAG, request->header);
  if (!answer || answer->type != SOCK_DIAG_BY_FAMILY || answer->payload.size() < sizeof(inet_diag_msg))
    return std::nullopt;
  inet_diag_msg found{};
  std::memcpy(&found, answer->payload.data(), sizeof found);
  if (found.idiag_state != k_established) return std::nullopt;  // the kernel may name a listener of that port
  std::optional<TcpFlow> flow;
  for_each_attribute(std::string_view(answer->payload).substr(NLMSG_ALIGN(sizeof found)),
                     [&](unsigned type, std::string_view value) {
                       if (type == INET_DIAG_INFO) flow = parse_flow(value);
                     });
  return flow;
}

bool tune_connection(pid_t pid, std::chrono::seconds keepalive) noexcept {
  const auto descriptor = connection_descriptor(pid);
  if (!descriptor) return false;
  const Descriptor socket = copy_of(pid, *descriptor);
  if (!socket) return false;
  constexpr linger k_reset{1, 0};
  const bool resets = ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &k_reset, sizeof k_reset) == 0;
  return set_keepalive(socket, keepalive) && resets;
}

bool can_tune_children() noexcept {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  const Descriptor reader(ends[0]);
  const Descriptor writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  const bool works = static_cast<bool>(copy_of(child, reader.get()));
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return works;
}

}  // namespace holdfast::os
