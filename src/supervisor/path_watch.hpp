// Tells when the bastion can be reached again, without a login: one TCP connection to its ssh port every few seconds.
#pragma once

#include "core/forward.hpp"
#include "supervisor/backoff.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// All who wait for one bastion see its return, and log in, within this time: it is also what spreads them.
inline constexpr Milliseconds k_look_every = k_spread;

/// The wait before the first look; `chance` is in [0, 1).
[[nodiscard]] constexpr Milliseconds first_look(double chance) noexcept {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(k_look_every.count()) * chance));
}

/// Watches for the edge only: it must have seen a connection fail before it tells of one that went through, so a
/// bastion that refuses for another reason is not asked in vain.
class PathWatch {
 public:
  PathWatch(boost::asio::io_context& context, std::function<void()> on_back);
  ~PathWatch();
  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;

  /// `bastion` is numeric. `gone`: somebody has seen a connection fail already. A watch of it that goes on goes on.
  void start(const TcpEnd& bastion, Milliseconds first, bool gone);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
