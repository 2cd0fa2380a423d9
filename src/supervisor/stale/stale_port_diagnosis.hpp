// Why a knock cannot free a port, as status shows it. Pure.
#pragma once

#include "core/failure.hpp"
#include "core/tunnel.hpp"
#include "os/tcp_sockets.hpp"
#include "supervisor/stale/knock.hpp"

#include <optional>

namespace holdfast::supervisor {

/// The hint when only the bastion itself can end a stale session.
inline constexpr const char* k_keepalive_hint =
    "set ClientAliveInterval 30 in the bastion's sshd_config: it then ends a stale session soon";

/// For a forward that is still refused after a knock with that result. Empty while another knock may help.
[[nodiscard]] std::optional<Diagnosis> diagnose_failed_knock(KnockResult result, const os::TcpPair& stale,
                                                             const Tunnel& tunnel, const Forward& forward);

/// For a refused forward with nothing to knock at: no connection of an earlier run is known (behind a proxy it never
/// is).
[[nodiscard]] std::optional<Diagnosis> diagnose_missing_knock(bool behind_proxy, const Tunnel& tunnel,
                                                              const Forward& forward);

}  // namespace holdfast::supervisor
