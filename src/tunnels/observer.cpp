#include "tunnels/observer.hpp"

namespace holdfast::tunnels {

Error cancelled() { return Error{"", "interrupted", "", "", ExitStatus::interrupted}; }

Result<> check_cancelled(const Observer& observer) {
  if (observer.is_cancelled()) return cancelled();
  return {};
}

}  // namespace holdfast::tunnels
