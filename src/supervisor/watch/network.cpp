#include "supervisor/watch/network.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace holdfast::supervisor {
namespace {

constexpr std::chrono::milliseconds k_settle(50);

int open_netlink() noexcept {
  const int descriptor = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (descriptor < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

// Every address adds routes to the local table: they are ignored.
bool is_loss(const nlmsghdr& header) noexcept {
  const auto type = header.nlmsg_type;
  return type == RTM_DELADDR || type == RTM_DELROUTE || type == RTM_NEWLINK || type == RTM_DELLINK;
}

bool is_gain(const nlmsghdr& header) noexcept {
  const void* body = NLMSG_DATA(&header);
  const auto size = header.nlmsg_len - NLMSG_HDRLEN;
  if (header.nlmsg_type == RTM_NEWADDR) return true;
  if (header.nlmsg_type == RTM_NEWROUTE && size >= sizeof(rtmsg)) {
    rtmsg route{};
    std::memcpy(&route, body, sizeof route);
    return route.rtm_table != RT_TABLE_LOCAL && route.rtm_type == RTN_UNICAST;
  }
  if (header.nlmsg_type == RTM_NEWLINK && size >= sizeof(ifinfomsg)) {
    ifinfomsg link{};
    std::memcpy(&link, body, sizeof link);
    constexpr auto k_carrier = static_cast<unsigned>(IFF_LOWER_UP);
    constexpr auto k_relevant = k_carrier | static_cast<unsigned>(IFF_RUNNING) | static_cast<unsigned>(IFF_UP);
    return (link.ifi_flags & k_carrier) != 0 && (link.ifi_change & k_relevant) != 0;
  }
  return false;
}

}  // namespace

struct NetworkWatch::Impl : std::enable_shared_from_this<Impl> {
  boost::asio::posix::stream_descriptor socket;
  boost::asio::steady_timer settle;
  std::function<void(bool)> on_change;
  bool settling = false;
  bool has_gained = false;  ///< Since the last call of `on_change`.

  Impl(boost::asio::io_context& context, int descriptor, std::function<void(bool)> handler)
      : socket(context, descriptor), settle(context), on_change(std::move(handler)) {}

  void listen() {
    socket.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [self = weak_from_this()](const boost::system::error_code& error) {
                        const auto alive = self.lock();
                        if (!alive || error) return;
                        alive->read_all();
                        alive->listen();
                      });
  }

  void read_all() {
    alignas(nlmsghdr) std::array<char, 16384> buffer;
    for (;;) {
      sockaddr_nl from{};
      iovec part{buffer.data(), buffer.size()};
      msghdr message{};
      message.msg_name = &from;
      message.msg_namelen = sizeof from;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      const ssize_t size = ::recvmsg(socket.native_handle(), &message, MSG_DONTWAIT);
      if (size < 0 && errno == ENOBUFS) {  // messages were lost: assume a gain
        changed(true);
        continue;
      }
      if (size <= 0) return;
      if (from.nl_pid == 0)
        scan(buffer.data(), static_cast<std::size_t>(size));  // from the kernel, not from another process
    }
  }

  void scan(const char* bytes, std::size_t size) {
    while (size >= sizeof(nlmsghdr)) {
      nlmsghdr header{};
      std::memcpy(&header, bytes, sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) return;
      const auto& whole = *reinterpret_cast<const nlmsghdr*>(bytes);
      if (const bool gained = is_gain(whole); gained || is_loss(whole)) changed(gained);
      const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
      if (step >= size) return;
      bytes += step;
      size -= step;
    }
  }

  void changed(bool gained) {
    has_gained |= gained;
    if (std::exchange(settling, true)) return;
    settle.expires_after(k_settle);
    settle.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
      const auto alive = self.lock();
      if (!alive || error) return;
      alive->settling = false;
      alive->on_change(std::exchange(alive->has_gained, false));
    });
  }
};

NetworkWatch::NetworkWatch(boost::asio::io_context& context, std::function<void(bool)> on_change) {
  const int descriptor = open_netlink();
  if (descriptor < 0) return;
  impl_ = std::make_shared<Impl>(context, descriptor, std::move(on_change));
  impl_->listen();
}

NetworkWatch::~NetworkWatch() = default;

}  // namespace holdfast::supervisor
