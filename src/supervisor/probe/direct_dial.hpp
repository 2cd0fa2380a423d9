// One connection from here to a forward's port on the bastion, without the tunnel.
#pragma once

#include "core/forward.hpp"
#include "supervisor/probe/bound_result.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class DirectDialler {
 public:
  explicit DirectDialler(boost::asio::io_context& context);
  ~DirectDialler();
  DirectDialler(const DirectDialler&) = delete;
  DirectDialler& operator=(const DirectDialler&) = delete;

  /// Connects within 2 s, sends nothing, and closes as soon as `find` knows whether ssh connects to the target, at most
  /// 3 s later. `on_done` is called once, later, unless this object is destroyed.
  void start(const TcpEnd& end, std::function<TargetConnections::Found()> find,
             std::function<void(DirectDial)> on_done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
