// The supervisor: keeps one tunnel's ssh alive, in the foreground, until a signal stops it.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::supervisor {

class Companion;

/// What `holdfast run NAME` does, from the lock to the end of ssh. `tunnel->runtime_dir` must be set.
/// Returns after SIGTERM, SIGINT, or SIGHUP with a controlling terminal; ssh has exited then, unless a successor adopts
/// it. SIGHUP without a terminal and SIGUSR2 reload the tunnel file; SIGUSR1 probes or retries now.
/// An Error when it cannot start (the lock is held, the runtime directory belongs to another user, ssh is missing), or
/// when the tunnel no longer belongs to this host.
[[nodiscard]] Result<> run(const Tunnel& tunnel, const store::Paths& paths, os::Host& host);

/// The same for a tunnel with a companion, which ends it. `paths` are its own: no other tunnel has files there, and no
/// earlier supervisor has left an ssh. Only for the native engine.
[[nodiscard]] Result<> run(const Tunnel& tunnel, const store::Paths& paths, Companion& companion, os::Host& host);

}  // namespace holdfast::supervisor
