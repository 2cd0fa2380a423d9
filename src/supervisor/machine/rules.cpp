#include "supervisor/machine/rules.hpp"

#include "ssh/diagnosis/diagnosis.hpp"
#include "supervisor/machine/fleet_spread.hpp"

namespace holdfast::supervisor {

Rules rules_of(const Tunnel& tunnel) {
  return Rules{.forwards = tunnel->forwards.size(),
               .bastions = 1,
               .probe_interval = tunnel->probe_interval,
               .takeover = tunnel->takeover,
               .target_by_name = tunnel.has_named_target(),
               .explain =
                   [&tunnel](FailureClass failure, std::optional<std::size_t> forward) {
                     return forward ? ssh::explain(failure, tunnel, tunnel->forwards.at(*forward))
                                    : ssh::explain(failure, tunnel);
                   },
               .spread =
                   [&tunnel](std::size_t) {
                     const double slot = retry_slot_of(tunnel->forwards.front());
                     return RetrySpread{
                         .until_retry_slot = [slot] { return until_retry_slot(slot, since_epoch(), k_careful_spread); },
                         .slot = slot};
                   },
               .first_spread = tunnel->spread ? Milliseconds(*tunnel->spread) : k_optimistic_spread};
}

}  // namespace holdfast::supervisor
