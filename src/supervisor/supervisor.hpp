// The supervisor: keeps the ssh of one tunnel alive, in the foreground, until it is told to stop.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::supervisor {

/// What `holdfast run NAME` does, from the lock to the end of ssh. Returns when a signal stopped it (SIGTERM, SIGINT,
/// SIGHUP with a controlling terminal); its ssh is gone then. An Error only when it never began: it was not its turn
/// (acquire_supervisor_lock), the runtime directory is not ours, no ssh to run. SIGHUP without a terminal
/// rereads the tunnel file; SIGUSR1 probes or retries now. `tunnel->runtime_dir` must be set.
[[nodiscard]] Result<> run(const Tunnel& tunnel, const store::Paths& paths, os::Host& host);

}  // namespace holdfast::supervisor
