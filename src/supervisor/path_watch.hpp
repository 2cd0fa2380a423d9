// Tells when the bastion can be reached again, without a login: one TCP connection to its ssh port every few seconds.
// https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2: a host that lives answers a closed port with a reset.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine.hpp"
#include "supervisor/place.hpp"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// How often it looks while nothing answers: in all likelihood our own path is down, or the bastion's host, which will
/// refuse for some seconds before its sshd listens.
inline constexpr Milliseconds k_look_into_silence = std::chrono::seconds(3);

/// The wait until the next look of one at `place` (place.hpp). Whoever is refused waits for sshd together with all who
/// have a tunnel there, and seeing it is followed by a login: that is spread over k_spread.
[[nodiscard]] inline Milliseconds until_look(double place, Milliseconds now, bool refused) {
  return until_turn(place, now, refused ? k_spread : k_look_into_silence);
}

/// Watches for the edge only: it must have seen a connection fail before it tells of one that went through, so a
/// bastion that refuses for another reason is not asked in vain.
class PathWatch {
 public:
  PathWatch(boost::asio::io_context& context, std::function<void()> on_back);
  ~PathWatch();
  PathWatch(const PathWatch&) = delete;
  PathWatch& operator=(const PathWatch&) = delete;

  /// `bastion` is numeric. A watch of it that goes on goes on.
  void start(const TcpEnd& bastion, double place, const WatchPath& known);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
