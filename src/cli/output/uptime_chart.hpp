// Charts of a tunnel's last day and week.
#pragma once

#include "cli/output/terminal.hpp"
#include "store/availability.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// One character for each slot: a full block when it was up, lower when it was partly down, a dot without data.
[[nodiscard]] std::string uptime_blocks(const store::Availability& all, const Drawing& drawing);

/// The round trip of each slot, between the shortest and the longest.
[[nodiscard]] std::string sparkline(const store::Availability& all, const Drawing& drawing);

/// "99.93 %, 1 min down, 20 s degraded", rounded down; "no data".
[[nodiscard]] std::string availability_text(const store::Availability& all);

/// "3: closed 2, dead-peer 1"; "none".
[[nodiscard]] std::string reconnects_by_cause(const store::Availability& all);

/// Explains the characters of uptime_blocks().
[[nodiscard]] std::string legend(const Drawing& drawing);

}  // namespace holdfast::cli
