// What runs on a supervisor's loop beside the machine, for a tunnel that is a part of something else.
#pragma once

#include "core/tunnel.hpp"
#include "supervisor/machine/view.hpp"

#include <functional>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// How a companion acts on the loop. Valid until Loop::run() returns; call them from the loop's handlers.
struct LoopControl {
  std::function<void()> stop;  ///< ends ssh and the loop
  /// Replaces the tunnel. `new_login`: the bastion must answer again, also to a request that it has forbidden.
  std::function<void(const Tunnel& wanted, bool new_login)> change;
  std::function<void(std::string_view line)> log;
};

/// A loop with a companion ends when the companion stops it, and not by a signal. Its ssh ends with this process.
class Companion {
 public:
  Companion() = default;
  virtual ~Companion() = default;
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  /// Called once, before ssh is started. May block for seconds.
  virtual void begin(boost::asio::io_context& context, LoopControl control) = 0;
  /// Called after each event.
  virtual void on_view(const View& view) = 0;
  /// Called once ssh has ended.
  virtual void end() = 0;
};

}  // namespace holdfast::supervisor
