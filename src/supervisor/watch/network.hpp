// Reports that addresses, routes or links of this machine changed. rtnetlink(7).
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class NetworkWatch {
 public:
  /// `on_change` is called once for a burst of changes, 50 ms after the first: a new address has no route yet.
  /// `gained`: an address, a route or a link came up. Where netlink is forbidden (a sandbox without AF_NETLINK) it is
  /// never called.
  NetworkWatch(boost::asio::io_context& context, std::function<void(bool gained)> on_change);
  ~NetworkWatch();
  NetworkWatch(const NetworkWatch&) = delete;
  NetworkWatch& operator=(const NetworkWatch&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
