// Adopts the ssh of a previous supervisor, so that no session through the tunnel is dropped.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <cstdint>
#include <optional>

namespace holdfast::supervisor {

/// An ssh that can be adopted.
struct Predecessor {
  os::ProcessId ssh;
  std::uint64_t reconnects = 0;  ///< Counted by its supervisor.
  bool was_up = false;           ///< Then the stored last connection is its own.
  std::size_t bastion = 0;
};

/// The ssh that answers on the control socket, if all of this holds:
/// - This user owns the socket, and its listener, according to the kernel, is the process in live state, by pid, start
///   time and boot.
/// - It was started with the same arguments that this supervisor would use.
/// - It has no forward that the tunnel no longer has. Missing forwards are requested later.
/// Whether it still carries data is for the probe to find out. Takes 2 s at most.
[[nodiscard]] std::optional<Predecessor> find_predecessor(const Tunnel& tunnel, const store::RuntimeFiles& files,
                                                          const ssh::Client& client, const os::Host& host);

/// Whether something else keeps or ends ssh when this supervisor stops: a command that hands the tunnel over, or the
/// unit's ExecStopPost=.
[[nodiscard]] bool has_successor(const os::Host& host, const store::Paths& paths, const TunnelName& name,
                                 const ServiceManager& manager);

}  // namespace holdfast::supervisor
