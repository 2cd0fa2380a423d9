// One supervisor at a time runs a tunnel; the one that is to take it over waits for its turn.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/file_lock.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"
#include "supervisor/service_manager.hpp"

#include <optional>

namespace holdfast::supervisor {

/// What a supervisor holds while it runs.
struct SupervisorLock {
  os::FileLock lock;
  /// Runtime files elsewhere, whose supervisor has ended: an ssh may be left there, to be ended before ours begins.
  std::optional<store::RuntimeFiles> left = {};
};

/// Takes the tunnel's lock. When another supervisor has it: an Error; but while a command hands the tunnel over
/// (store::HandOver) it waits until that one has ended, wherever its runtime files are; and under a service manager it
/// waits in any case, for that would start it again each second. It is ready (READY=1) as soon as it waits, and holds
/// `files.next` meanwhile: who hands over sees by that that it is there. SIGTERM ends a wait by its default.
[[nodiscard]] Result<SupervisorLock> acquire_supervisor_lock(const TunnelName& name, const store::Paths& paths,
                                                             const store::RuntimeFiles& files,
                                                             const ServiceManager& manager, os::Host& host);

}  // namespace holdfast::supervisor
