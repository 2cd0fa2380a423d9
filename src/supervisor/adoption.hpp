// The ssh of a former supervisor, when it can go on under this one: no session through the tunnel is dropped.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"
#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::supervisor {

/// The arguments of the ssh that carries the tunnel, with these very files.
[[nodiscard]] std::vector<std::string> session_arguments(const ssh::Client& client, const Tunnel& tunnel,
                                                         const store::RuntimeFiles& files);

/// An ssh that can be taken over.
struct Predecessor {
  os::ProcessId ssh;
  std::uint64_t reconnects = 0;  ///< that its supervisor had counted
  bool was_up = false;           ///< then the last connection that was kept is its own
  std::size_t bastion = 0;
};

/// The ssh that answers on the control socket, if it is beyond doubt the one that a former supervisor of this tunnel
/// started (a socket of ours, whose listener the kernel names; the process that live state names, by pid, start time
/// and boot), was started with the very arguments that ours would have, and has no forward that the tunnel has not.
/// Forwards that it lacks can be asked for. Whether it carries bytes is for the probe to say. Takes 2 s at most.
[[nodiscard]] std::optional<Predecessor> find_predecessor(const Tunnel& tunnel, const store::RuntimeFiles& files,
                                                          const ssh::Client& client, const os::Host& host);

/// Whether who stops us now sees to our ssh: a command that hands the tunnel over, or the unit's ExecStopPost=.
[[nodiscard]] bool has_successor(const os::Host& host, const store::Paths& paths, const TunnelName& name,
                                 const ServiceManager& manager);

}  // namespace holdfast::supervisor
