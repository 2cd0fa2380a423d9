// The bastion that carries a tunnel at present.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::tunnels {

/// The tunnel with that bastion alone. While no supervisor runs here: with the first one.
[[nodiscard]] Tunnel via_active_bastion(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::tunnels
