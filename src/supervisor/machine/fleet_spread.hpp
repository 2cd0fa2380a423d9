// Spreads the retries of all tunnels that use one bastion, without communication between them.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine/backoff.hpp"

namespace holdfast::supervisor {

/// A tunnel's slot in [0, 1), from the port or socket of its first forward, which is unique on the bastion. Most fleets
/// use consecutive ports. Multiples of the golden ratio are evenly distributed for any number of them (three-distance
/// theorem), so no second gets much more than its share.
[[nodiscard]] double retry_slot_of(const Forward& forward);

/// The wait of this slot from a moment that all tunnels see; `span` for the last slot.
[[nodiscard]] Milliseconds spread_delay(double slot, Milliseconds span);

/// By the wall clock, which machines share.
[[nodiscard]] Milliseconds since_epoch();

/// The wait until the slot's next moment. Each `period` of the wall clock has one, so machines with the right time keep
/// their distance even if they start to wait at different moments. At least an eighth of `period`, so that a moment
/// that was just used is skipped.
[[nodiscard]] Milliseconds until_retry_slot(double slot, Milliseconds now, Milliseconds period);

}  // namespace holdfast::supervisor
