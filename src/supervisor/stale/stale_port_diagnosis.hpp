// Why a knock cannot free a port, in words for status. Pure.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/tcp_sockets.hpp"
#include "supervisor/stale/knock.hpp"

#include <optional>

namespace holdfast::supervisor {

/// What it means when a forward is refused after a knock that ended with `result`. Nothing while knocking may still
/// help.
[[nodiscard]] std::optional<Diagnosis> diagnose_failed_knock(KnockResult result, const os::TcpPair& stale,
                                                             const Tunnel& tunnel, const Forward& forward);

/// The same where there is nothing to knock at: no connection of a former run is known (behind a proxy none ever is).
[[nodiscard]] std::optional<Diagnosis> diagnose_missing_knock(bool behind_proxy, const Tunnel& tunnel,
                                                              const Forward& forward);

}  // namespace holdfast::supervisor
