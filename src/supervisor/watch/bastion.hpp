// Tells when the bastion can be reached again, without a login: one SYN to its ssh port every few seconds, or oftener
// while it refuses. https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2: a host that lives answers a closed port with
// a reset. An open one answers too, and gets a reset in place of the handshake's last packet: no sshd comes to know of
// a look, so that two hundred machines may look, and none of its places for logins is taken by one.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine/fleet_spread.hpp"
#include "supervisor/machine/machine.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// How often it looks while nothing answers: in all likelihood our own path is down, or the bastion's host, which will
/// refuse for some seconds before its sshd listens.
inline constexpr Milliseconds k_silent_probe_interval = std::chrono::seconds(3);

/// And while it refuses: a sixtieth of the time that it has done so, within these.
inline constexpr Milliseconds k_shortest_probe_interval(250);
inline constexpr Milliseconds k_longest_probe_interval(3000);

/// The wait until the next look of one at `place` (place.hpp), where `refused` is how long the bastion has refused.
/// Into silence each looks in its turn, for a login follows at once. Whoever is refused waits for sshd together with
/// all who have a tunnel there: what follows is that each waits its own part of k_spread, and a look costs nobody
/// anything.
[[nodiscard]] inline Milliseconds until_bastion_probe(double slot, Milliseconds now,
                                                      std::optional<Milliseconds> refused) {
  if (!refused) return until_retry_slot(slot, now, k_silent_probe_interval);
  // Neighbours in the order of logins are none in that of looks.
  const double other = slot * 89 - static_cast<double>(static_cast<int>(slot * 89));
  return until_retry_slot(other, now, std::clamp(*refused / 60, k_shortest_probe_interval, k_longest_probe_interval));
}

/// Watches for the edge only: it must have seen a look fail before it tells of one that went through, so a bastion that
/// refuses for another reason is not asked in vain. `on_back`: a login may follow; our part of k_spread is over where
/// others saw the edge too. `on_refused`: the first look that was reset, and each after another answer. `on_blocked`:
/// each look that was rejected by ICMP (`true`), and the second in a row that heard nothing.
class BastionWatch {
 public:
  BastionWatch(boost::asio::io_context& context, std::function<void()> on_back, std::function<void()> on_refused,
               std::function<void(bool rejected)> on_blocked);
  ~BastionWatch();
  BastionWatch(const BastionWatch&) = delete;
  BastionWatch& operator=(const BastionWatch&) = delete;

  /// `bastion` is numeric. A watch of it that goes on goes on.
  void start(const TcpEnd& bastion, double slot, const WatchPath& known);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
