#include "os/routes.hpp"

#include "os/netlink.hpp"
#include "os/posix_files.hpp"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string_view>

namespace holdfast::os {
namespace {

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

Route parse_route(std::string_view attributes) {
  Route route;
  for_each_attribute(attributes, [&](unsigned type, std::string_view value) {
    if (type == RTA_GATEWAY || type == RTA_VIA) route.gateway = value;
    if (type == RTA_PREFSRC) route.source = value;
    if (type == RTA_OIF && value.size() == sizeof route.interface)
      std::memcpy(&route.interface, value.data(), sizeof route.interface);
  });
  route.usable = route.interface != 0 && is_running(route.interface);
  return route;
}

}  // namespace

std::optional<Route> route_to(const std::string& host) {
  const auto request = request_for(host);
  if (!request) return std::nullopt;
  const auto answer = ask_kernel(NETLINK_ROUTE, request->header);
  if (!answer) return std::nullopt;
  if (answer->type == NLMSG_ERROR) return Route{};  // ENETUNREACH and its like
  constexpr std::size_t k_before = NLMSG_ALIGN(sizeof(rtmsg));
  if (answer->type != RTM_NEWROUTE || answer->payload.size() < k_before) return std::nullopt;
  return parse_route(std::string_view(answer->payload).substr(k_before));
}

}  // namespace holdfast::os
