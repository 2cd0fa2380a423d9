// Actions: the requests of a supervisor machine. The loop executes them in order.
#pragma once

#include "supervisor/machine/backoff.hpp"
#include "supervisor/machine/events.hpp"

#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

namespace holdfast::supervisor {

struct StartChild {
  std::size_t bastion = 0;
};
struct EndChild {
  bool by_force = false;  ///< SIGKILL instead of SIGTERM.
};
struct OpenForward {
  RequestId request = 0;
  std::size_t forward = 0;
};
/// Connect to the bastion's end of a refused forward to learn who listens there.
struct FindPortHolder {
  RequestId request = 0;
  std::size_t forward = 0;
  bool await_target = false;  ///< Also wait for data from the target behind the port.
};
struct Knock {
  std::size_t forward = 0;
};
/// End this tunnel's stale session with a command on the bastion, over the present connection.
struct TakeOver {
  RequestId request = 0;
  std::size_t forward = 0;
};
/// Replace the forwards by those of the changed tunnel file. `request` is 0 when there is no connection.
struct ChangeForwards {
  RequestId request = 0;
  std::vector<std::size_t> close;  ///< Numbers in the present list. Open sessions through them live on.
};
struct Probe {
  RequestId request = 0;
  std::vector<std::size_t> forwards;
  Milliseconds timeout{0};  ///< For the bastion's answer to each forward.
};
struct SetTimer {
  Timer timer;
  Milliseconds wait{0};
};
struct CancelTimer {
  Timer timer;
};
/// Start or stop the SYN probes of a bastion's ssh port.
struct WatchPath {
  bool on = false;
  bool seen_down = false;  ///< An attempt just failed to connect. Otherwise the watch must see a failure first.
  bool refused = false;    ///< The bastion's host is alive, but its sshd is not.
  /// Where a firewall limits new connections: the wait until the first probe. Zero: no limit is known.
  Milliseconds first_probe{0};
  /// RetrySpread::period of the login that follows a return.
  Milliseconds spread = k_careful_spread;
  std::size_t bastion = 0;
};
/// Store over restarts that a firewall limits new connections to this bastion; without a time: that it no longer does.
struct NoteLimit {
  std::size_t bastion = 0;
  std::optional<TimePoint> no_login_before;
};
/// Store over restarts, with the present time, that this bastion drops logins when all tunnels log in together.
struct NoteCrowd {
  std::size_t bastion = 0;
};
/// Log in to a better bastion with a second ssh, request the ports, and release them.
struct StartFailbackProbe {
  std::size_t bastion = 0;
};
struct EndFailbackProbe {};
struct Quit {};

using Action =
    std::variant<StartChild, EndChild, OpenForward, FindPortHolder, Knock, TakeOver, ChangeForwards, Probe, SetTimer,
                 CancelTimer, WatchPath, NoteLimit, NoteCrowd, StartFailbackProbe, EndFailbackProbe, Quit>;
using Actions = std::vector<Action>;

}  // namespace holdfast::supervisor
