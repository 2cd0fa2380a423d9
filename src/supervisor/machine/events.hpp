// Events: what happened to the tunnel, as input of a supervisor machine.
#pragma once

#include "core/failure.hpp"
#include "os/tcp_sockets.hpp"
#include "ssh/diagnosis/diagnosis.hpp"
#include "store/live_state.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace holdfast::supervisor {

enum class Timer { attempt, retry, probe, forward_retry, kill, failback_probe };
inline constexpr std::size_t k_timers = 6;

/// Matches an answer to its request. The machine ignores an answer to any other request than the pending one.
using RequestId = std::uint64_t;

/// What the kernel knows of the connection that carries the tunnel.
struct ConnectionStatus {
  os::RouteStatus route = os::RouteStatus::same;
  enum class Flow {
    unknown,
    heard,   ///< The bastion's kernel acknowledged the last packets.
    silent,  ///< Packets are sent again: nothing has come back since.
  } flow = Flow::unknown;
  bool occupied = true;  ///< Sessions run through the tunnel, or that is not known.
};

struct Started {};  ///< The supervisor starts without a running ssh.
struct Adopted {    ///< The supervisor starts with a predecessor's ssh, which is logged in.
  std::uint64_t reconnects = 0;
  std::size_t bastion = 0;
};
struct ChildFailedToStart {
  Diagnosis why;
};
struct LoginBlocked {  ///< ssh makes no progress for a reason that no wait ends.
  Diagnosis why;
};
struct ControlReady {};  ///< ssh is logged in: its control socket exists.
struct ChildExited {
  std::optional<Diagnosis> why;  ///< From ssh's messages; empty when they explain nothing.
  ssh::ProcessEnd end = {};
};
struct ForwardAnswered {
  RequestId request = 0;
  enum class Kind { granted, refused, no_reply } kind = Kind::no_reply;
  ConnectionStatus connection = {};  ///< With `no_reply`.
};
/// The answer to FindPortHolder: whether a process listens on the bastion's end of a refused forward.
struct PortHolderAnswered {
  RequestId request = 0;
  enum class Kind {
    held,        ///< A process listens.
    free,        ///< No process listens.
    prohibited,  ///< The bastion forbids the connection that would show it.
    no_reply,    ///< The bastion did not answer.
    silent,      ///< The bastion accepts connections, but the target behind it sends nothing.
  } kind = Kind::no_reply;
  std::optional<Diagnosis> why = {};
  bool responds = false;  ///< The target sent data or closed the connection. A dead session does neither.
};
struct KnockAnswered {
  bool session_gone = false;          ///< No session of this tunnel holds the port (any more).
  std::optional<Diagnosis> why = {};  ///< Why the knock cannot help, to be shown if the port stays busy.
};
struct TakeoverAnswered {
  RequestId request = 0;
  bool freed = false;
  std::optional<Diagnosis> why = {};  ///< Why the port was not freed.
};
/// The tunnel file changed in a way that needs no new login.
struct ForwardsChanged {
  /// For each new forward: the number of the same forward in the present list; empty for an added one.
  std::vector<std::optional<std::size_t>> from;
};
struct ForwardsClosed {  ///< The answer to ChangeForwards.
  RequestId request = 0;
};
/// One answer for all forwards of a Probe; `kind` is the worst of them.
struct ProbeAnswered {
  RequestId request = 0;
  enum class Kind {
    verified,     ///< Every target answered.
    unproven,     ///< All forwards are open. The bastion forbids the probe of one, or (no `why`) one is not probed yet.
    target_down,  ///< The path works, but a target on this machine does not answer.
    lost,         ///< Nothing listens on the bastion's port any more.
    silent,       ///< No reply.
  } kind = Kind::silent;
  std::vector<store::ForwardState> forwards;  ///< In the order of Probe::forwards.
  std::optional<double> rtt_ms;
  std::optional<Diagnosis> why;
  ConnectionStatus connection = {};  ///< With `silent`.
};
struct TimerFired {
  Timer timer;
};
/// The route to the bastion changed. While its address is not known: an address, a route or a link came up.
struct NetworkChanged {
  ConnectionStatus connection = {};
};
/// The machine resumed from suspend, or the supervisor was frozen for seconds.
struct Resumed {
  ConnectionStatus connection = {};
};
struct FlowChanged {  ///< The connection hears nothing any more, or hears its peer again.
  ConnectionStatus connection = {};
  bool path_returned = false;  ///< It still hears nothing, but the bastion's host answers SYN probes again.
};
struct FlowDead {};    ///< The bastion's host answers others, but nothing comes back over the connection.
struct PathRestored {  ///< The bastion's ssh port accepts connections again.
  std::size_t bastion = 0;
};
struct PathRefused {  ///< The bastion's host resets connections to its ssh port.
  std::size_t bastion = 0;
};
struct PathBlocked {  ///< An ICMP message rejected a SYN probe, or two probes in a row got no answer.
  std::size_t bastion = 0;
  bool rejected = false;
};
struct FailbackProbeAnswered {
  std::size_t bastion = 0;
  std::optional<Diagnosis> why;  ///< Empty when the login worked and every port was granted.
};
struct ProbeRequested {};  ///< SIGUSR1.
struct Reloaded {          ///< The tunnel file changed in a way that needs a new login.
  std::size_t forwards = 1;
  std::size_t bastions = 1;
  bool other_bastions = true;  ///< the bastions changed: their state no longer applies
};
struct StopRequested {
  bool leave_child = false;  ///< Leave a logged-in ssh running for the next supervisor.
};

using Event =
    std::variant<Started, Adopted, ChildFailedToStart, LoginBlocked, ControlReady, ChildExited, ForwardAnswered,
                 PortHolderAnswered, KnockAnswered, TakeoverAnswered, ForwardsChanged, ForwardsClosed, ProbeAnswered,
                 TimerFired, NetworkChanged, Resumed, PathRestored, PathRefused, PathBlocked, FlowChanged, FlowDead,
                 FailbackProbeAnswered, ProbeRequested, Reloaded, StopRequested>;

}  // namespace holdfast::supervisor
