// What a live state says about a tunnel that a command waits for.
#pragma once

#include "store/live_state.hpp"
#include "tunnels/control.hpp"

#include <chrono>
#include <optional>

namespace holdfast::tunnels {

/// The result after this wait; empty while the supervisor is still at it. A port that is busy gets 5 s: an old session
/// of this tunnel may be ending.
[[nodiscard]] std::optional<Arrival> arrival_of(const store::LiveState& live, std::chrono::milliseconds waited);

}  // namespace holdfast::tunnels
