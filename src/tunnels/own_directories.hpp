// Root in the user scope of another user, as under `sudo -E`.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::tunnels {

/// An Error when root would change the user scope of another user. The files that root leaves there are closed to that
/// user. Every command that changes a tunnel or a start-up file checks this first.
[[nodiscard]] Result<> require_own_directories(const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::tunnels
