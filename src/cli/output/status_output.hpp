// What `status` prints of tunnels: a table, one in detail, JSON.
#pragma once

#include "cli/output/uptime_chart.hpp"
#include "store/history.hpp"
#include "tunnels/status.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// {"tunnels": […]}: every key of CONTRACT always there, and "history".
[[nodiscard]] std::string status_json(const std::vector<tunnels::TunnelStatus>& tunnels);

/// One tunnel's object, with "changed".
[[nodiscard]] std::string setup_json(const tunnels::TunnelStatus& tunnel, bool changed);

/// The table; under a tunnel that is not up, why and what to do.
[[nodiscard]] std::string status_table(const std::vector<tunnels::TunnelStatus>& tunnels, WallTime now,
                                       Drawing drawing);

/// Everything about one tunnel, with its last transitions (oldest first).
[[nodiscard]] std::string status_detail(const tunnels::TunnelStatus& tunnel,
                                        const std::vector<store::Transition>& transitions, WallTime now,
                                        Drawing drawing);

}  // namespace holdfast::cli
