#include "os/routes.hpp"

#include "os/posix_files.hpp"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>

namespace holdfast::os {
namespace {

constexpr timeval k_answer_limit{0, 200'000};  // the kernel answers at once

struct Request {
  nlmsghdr header{};
  rtmsg route{};
  rtattr attribute{};
  std::array<unsigned char, 16> address{};
};

std::optional<Request> request_for(const std::string& host) {
  Request request;
  std::size_t size = 4;
  request.route.rtm_family = AF_INET;
  if (::inet_pton(AF_INET, host.c_str(), request.address.data()) != 1) {
    in6_addr v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1 || IN6_IS_ADDR_LINKLOCAL(&v6)) return std::nullopt;
    size = sizeof v6;
    request.route.rtm_family = AF_INET6;
    std::memcpy(request.address.data(), &v6, size);
  }
  request.route.rtm_dst_len = static_cast<unsigned char>(size * 8);
  request.attribute.rta_type = RTA_DST;
  request.attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_len = static_cast<std::uint32_t>(offsetof(Request, address) + size);
  return request;
}

/// By its number: the interface is up and has a carrier.
bool is_running(unsigned interface) {
  ifreq request{};
  if (::if_indextoname(interface, request.ifr_name) == nullptr) return false;
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return true;
  return (static_cast<unsigned>(request.ifr_flags) & static_cast<unsigned>(IFF_RUNNING)) != 0;
}

Route parse_route(const char* bytes, std::size_t size) {
  Route route;
  while (size >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, bytes, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > size) break;
    const std::string value(bytes + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
    if (attribute.rta_type == RTA_GATEWAY || attribute.rta_type == RTA_VIA) route.gateway = value;
    if (attribute.rta_type == RTA_PREFSRC) route.source = value;
    if (attribute.rta_type == RTA_OIF && value.size() == sizeof route.interface)
      std::memcpy(&route.interface, value.data(), sizeof route.interface);
    const std::size_t step = RTA_ALIGN(attribute.rta_len);
    if (step >= size) break;
    bytes += step;
    size -= step;
  }
  route.usable = route.interface != 0 && is_running(route.interface);
  return route;
}

}  // namespace

std::optional<Route> route_to(const std::string& host) {
  const auto request = request_for(host);
  const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!request || !socket) return std::nullopt;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &k_answer_limit, sizeof k_answer_limit);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket.get(), &*request, request->header.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0)
    return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> answer;
  sockaddr_nl from{};
  socklen_t from_size = sizeof from;
  const ssize_t size =
      ::recvfrom(socket.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr)) || from.nl_pid != 0) return std::nullopt;
  nlmsghdr header{};
  std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_type == NLMSG_ERROR) return Route{};  // ENETUNREACH and its like
  const std::size_t before = NLMSG_LENGTH(sizeof(rtmsg));
  if (header.nlmsg_type != RTM_NEWROUTE || header.nlmsg_len < before ||
      header.nlmsg_len > static_cast<std::size_t>(size))
    return std::nullopt;
  return parse_route(answer.data() + before, header.nlmsg_len - before);
}

}  // namespace holdfast::os
