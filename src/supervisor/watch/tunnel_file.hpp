// Looks at the tunnel's file, which another host of the same home may change, take over or remove: what no file stands
// for any more must not go on running where nobody looks.
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

inline constexpr std::chrono::seconds k_file_interval{30};

class TunnelFileWatch {
 public:
  /// `on_change`: the file says something else, and the tunnel is still this host's. `on_end`: it is gone, or another
  /// host's; the Error says which, and its status ends the unit for good.
  TunnelFileWatch(boost::asio::io_context& context, const os::Host& host, store::Paths paths, const Tunnel& tunnel,
                  std::function<void()> on_change, std::function<void(const Error&)> on_end);
  ~TunnelFileWatch();
  TunnelFileWatch(const TunnelFileWatch&) = delete;
  TunnelFileWatch& operator=(const TunnelFileWatch&) = delete;

  /// Each 30 s from now on. For a file that many hosts share: a look at a home that hangs stops us as well.
  void start();
  /// Once, now: before a login, for which ssh needs the home anyway.
  void look();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
