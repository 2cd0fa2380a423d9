// What `status` prints: a table of tunnels, one tunnel in detail, or JSON.
#pragma once

#include "cli/output/uptime_chart.hpp"
#include "store/history.hpp"
#include "tunnels/status.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// {"tunnels": […]}: every key is always there, and "history" too. Unknown values are null.
[[nodiscard]] std::string status_json(const std::vector<tunnels::TunnelStatus>& tunnels);

/// The object of one tunnel, and "changed".
[[nodiscard]] std::string setup_json(const tunnels::TunnelStatus& tunnel, bool changed);

/// One row for each tunnel; below one that is not up, why and what to do.
[[nodiscard]] std::string status_table(const std::vector<tunnels::TunnelStatus>& tunnels, WallTime now,
                                       const Drawing& drawing);

/// Everything about one tunnel, with its last transitions (oldest first).
[[nodiscard]] std::string status_detail(const tunnels::TunnelStatus& tunnel,
                                        const std::vector<store::Transition>& transitions, WallTime now,
                                        const Drawing& drawing);

}  // namespace holdfast::cli
