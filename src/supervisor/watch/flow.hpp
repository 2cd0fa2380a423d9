// Watches the connection that carries the tunnel: whether the bastion's kernel still acknowledges its packets.
#pragma once

#include "os/tcp_sockets.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class FlowWatch {
 public:
  /// `on_change`: packets are no longer acknowledged, or are again; or (`path_returned`) only the bastion's host
  /// answers again. `on_dead`: the connection is dead, as FlowPolicy says; the watch is over.
  FlowWatch(boost::asio::io_context& context, std::function<void(bool path_returned)> on_change,
            std::function<void()> on_dead);
  ~FlowWatch();
  FlowWatch(const FlowWatch&) = delete;
  FlowWatch& operator=(const FlowWatch&) = delete;

  /// Idempotent for the same connection. Nothing happens where the kernel does not tell about connections.
  void start(const os::TcpPair& connection);
  void stop();

 private:
  struct Impl;
  std::function<void(bool)> on_change_;
  std::function<void()> on_dead_;
  boost::asio::io_context& context_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
