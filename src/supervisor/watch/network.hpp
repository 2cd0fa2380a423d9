// Tells when the network gained something: an address, a default route, a link that came up. rtnetlink(7).
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class NetworkWatch {
 public:
  /// `on_gain` is called once for a burst of changes, some tens of milliseconds after the first: an address of its own
  /// is not yet a route. Where netlink is forbidden (a sandbox without AF_NETLINK) nothing is ever told.
  NetworkWatch(boost::asio::io_context& context, std::function<void()> on_gain);
  ~NetworkWatch();
  NetworkWatch(const NetworkWatch&) = delete;
  NetworkWatch& operator=(const NetworkWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
