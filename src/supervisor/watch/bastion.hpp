// Reports that a bastion is reachable again, without a login: one SYN to its ssh port every few seconds, and more often
// while it refuses. A host that is up answers a closed port with a reset:
// https://www.rfc-editor.org/rfc/rfc9293#section-3.5.2. An open port's answer is met with a reset instead of the
// handshake's last packet. sshd never sees that connection, so 200 machines can probe without using its login slots.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine/actions.hpp"
#include "supervisor/machine/fleet_spread.hpp"

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

/// While it refuses, by how long it has refused. After 15 s this host sends two SYNs a second at most, and still sees a
/// return within half a second for two minutes. The kernel resets a refused SYN: sshd sees no connection. Each interval
/// but the last is a multiple of the one before, so a tunnel keeps its moments when the interval grows.
[[nodiscard]] inline Milliseconds refused_probe_interval(Milliseconds refused) {
  if (refused < std::chrono::seconds(15)) return Milliseconds(250);
  if (refused < std::chrono::minutes(2)) return Milliseconds(500);
  if (refused < std::chrono::minutes(4)) return Milliseconds(1000);
  if (refused < std::chrono::minutes(6)) return Milliseconds(2000);
  return Milliseconds(3000);
}

/// The wait until the next SYN probe of a tunnel with that retry slot. `refused`: how long the bastion has refused;
/// empty while nothing answers. No answer: send one SYN per slot, because a login follows at once. Refused: the logins
/// that follow are spread by slot, so the SYN schedule is decorrelated from the login schedule.
[[nodiscard]] inline Milliseconds until_bastion_probe(double slot, Milliseconds now,
                                                      std::optional<Milliseconds> refused) {
  if (!refused) return until_retry_slot(slot, now, k_silent_probe_interval);
  const double scattered = slot * 89 - static_cast<double>(static_cast<int>(slot * 89));
  return until_retry_slot(scattered, now, refused_probe_interval(*refused));
}

/// Reports an edge only: a probe must fail before a successful one is reported. A bastion that refuses logins for
/// another reason is therefore not contacted in vain.
class BastionWatch {
 public:
  /// `on_back`: a login may follow now; where other tunnels saw the same edge, after this tunnel's part of
  /// WatchPath::spread. `on_refused`: the first probe that was reset, and each one after another answer. `on_blocked`:
  /// each probe that an ICMP message rejected (`true`), and the second one in a row without an answer (`false`).
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
