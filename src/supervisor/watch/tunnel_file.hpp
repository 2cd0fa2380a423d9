// Watches the tunnel's file, which another host with the same home may change, take over or remove. A tunnel without a
// file must not keep running unnoticed.
#pragma once

#include "core/error.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

class TunnelFileWatch {
 public:
  /// `on_change`: the file has another text, and the tunnel still belongs to this host. `on_end`: the file is gone, or
  /// the tunnel belongs to another host; the Error's exit status keeps the service manager from restarting the unit.
  TunnelFileWatch(boost::asio::io_context& context, const os::Host& host, store::Paths paths, const Tunnel& tunnel,
                  std::function<void()> on_change, std::function<void(const Error&)> on_end);
  ~TunnelFileWatch();
  TunnelFileWatch(const TunnelFileWatch&) = delete;
  TunnelFileWatch& operator=(const TunnelFileWatch&) = delete;

  /// Checks every 30 s. Only for a file that many hosts share: reading from a home that does not respond blocks.
  void start();
  /// Checks once. Call it before a login, for which ssh reads the home anyway.
  void check();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
