// Reports that a bastion is reachable again, without a login: one SYN to its ssh port every few seconds, and more often
// while it refuses. A host that is up answers a closed port with a reset:
// https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2. An open port's answer is met with a reset instead of the
// handshake's last packet. sshd never sees that connection, so 200 machines can probe without using its login slots.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine/actions.hpp"
#include "supervisor/machine/fleet_spread.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace holdfast::supervisor {

/// While nothing answers: most likely this machine's path is down, or the bastion's host, which will refuse for some
/// seconds before its sshd listens.
inline constexpr Milliseconds k_silent_probe_interval = std::chrono::seconds(3);

/// While it refuses: a sixtieth of the time that it has refused, within these limits.
inline constexpr Milliseconds k_shortest_probe_interval(250);
inline constexpr Milliseconds k_longest_probe_interval(3000);

/// The wait until the next SYN probe of a tunnel with that retry slot. `refused`: how long the bastion has refused;
/// empty while nothing answers. No answer: send one SYN per slot, because a login follows at once. Refused: the logins
/// that follow are spread over k_spread, so the SYN schedule is decorrelated from the login schedule.
[[nodiscard]] inline Milliseconds until_bastion_probe(double slot, Milliseconds now,
                                                      std::optional<Milliseconds> refused) {
  if (!refused) return until_retry_slot(slot, now, k_silent_probe_interval);
  const double scattered = slot * 89 - static_cast<double>(static_cast<int>(slot * 89));
  return until_retry_slot(scattered, now,
                          std::clamp(*refused / 60, k_shortest_probe_interval, k_longest_probe_interval));
}

/// Reports an edge only: a probe must fail before a successful one is reported. A bastion that refuses logins for
/// another reason is therefore not contacted in vain.
class BastionWatch {
 public:
  /// `on_back`: a login may follow now; where other tunnels saw the same edge, after this tunnel's part of k_spread.
  /// `on_refused`: the first probe that was reset, and each one after another answer. `on_blocked`: each probe that an
  /// ICMP message rejected (`true`), and the second one in a row without an answer (`false`).
  BastionWatch(boost::asio::io_context& context, std::function<void()> on_back, std::function<void()> on_refused,
               std::function<void(bool rejected)> on_blocked);
  ~BastionWatch();
  BastionWatch(const BastionWatch&) = delete;
  BastionWatch& operator=(const BastionWatch&) = delete;

  /// `bastion` is numeric. Idempotent for the same endpoint.
  void start(const TcpEnd& bastion, double slot, const WatchPath& known);
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace holdfast::supervisor
