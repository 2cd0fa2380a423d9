// A tunnel's place among all that use its bastion: what keeps them apart when they come back to it together.
#pragma once

#include "core/forward.hpp"
#include "supervisor/machine/backoff.hpp"

namespace holdfast::supervisor {

/// In [0, 1), from what a tunnel's first forward listens on, which on its bastion is its own. Ports follow one another
/// in most fleets, and multiples of the golden ratio lie evenly, whatever their number (three-distance theorem): nobody
/// has to know of the others, and no second gets more than its share by chance.
[[nodiscard]] double retry_slot_of(const Forward& forward);

/// The wait of the one at this place, from a moment that all of them see: `span` for the last.
[[nodiscard]] Milliseconds spread_delay(double slot, Milliseconds span);

/// What the wall clock says, which machines have in common.
[[nodiscard]] Milliseconds since_epoch();

/// The wait until this place's next moment, of which there is one in every `period` of the wall clock: machines that
/// have the time right keep their distance even where each began to wait at its own moment. At least an eighth of
/// `period`, so that a moment just used is not used again.
[[nodiscard]] Milliseconds until_retry_slot(double slot, Milliseconds now, Milliseconds period);

}  // namespace holdfast::supervisor
