// One supervisor at a time runs a tunnel. Its successor waits for the lock.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/file_lock.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <optional>

namespace holdfast::supervisor {

/// Held while the supervisor runs.
struct SupervisorLock {
  os::FileLock lock;
  /// The runtime files of a predecessor in another directory. End the ssh that it may have left there.
  std::optional<store::RuntimeFiles> left = {};
};

/// An Error when another supervisor holds the lock, except in two cases, where it waits for that supervisor to end:
/// - A command hands the tunnel over (store::HandOver), also from another runtime directory.
/// - A service manager started this process: it would restart it every second.
/// While it waits it is ready (READY=1) and holds `files.next`, which tells the command that the successor is there.
/// SIGTERM ends the process during the wait.
[[nodiscard]] Result<SupervisorLock> acquire_supervisor_lock(const TunnelName& name, const store::Paths& paths,
                                                             const store::RuntimeFiles& files,
                                                             const ServiceManager& manager, os::Host& host);

}  // namespace holdfast::supervisor
