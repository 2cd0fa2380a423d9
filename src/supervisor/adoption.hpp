// Adopts the ssh of a previous supervisor, so that no session through the tunnel is dropped.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/live_state.hpp"
#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace holdfast::supervisor {

/// An ssh that can be adopted.
struct Predecessor {
  os::ProcessId ssh;
  std::uint64_t reconnects = 0;  ///< As the previous supervisor counted them.
  bool was_up = false;           ///< If so, the stored last connection is this ssh's.
  std::size_t bastion = 0;
  std::vector<store::LiveForward> forwards = {};  ///< As the previous supervisor published them.
};

/// The ssh that answers on the control socket, if all of this holds:
/// - This user owns the socket. The kernel's listener on it is the process of the live state: same pid, start time and
///   boot.
/// - Its arguments are the ones that this supervisor would use.
/// - Each of its forwards is still one of the tunnel's. Missing forwards are requested later.
/// The first probe finds out whether it still carries data. Takes at most 2 s.
[[nodiscard]] std::optional<Predecessor> find_predecessor(const Tunnel& tunnel, const store::RuntimeFiles& files,
                                                          const ssh::Client& client, const os::Host& host);

/// Whether something else keeps or ends ssh when this supervisor stops: a command that hands the tunnel over, or the
/// unit's ExecStopPost=.
[[nodiscard]] bool has_successor(const os::Host& host, const store::Paths& paths, const TunnelName& name,
                                 const ServiceManager& manager);

}  // namespace holdfast::supervisor
