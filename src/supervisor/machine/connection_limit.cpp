#include "supervisor/machine/connection_limit.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

bool ConnectionLimit::on_block(bool rejected, TimePoint now) {
  const bool was_reset = std::exchange(was_reset_, false);
  if (!rejected && !was_reset) return false;
  quiet_until_ = now + k_limit_pause;
  no_login_before_ = quiet_until_;
  return true;
}

bool ConnectionLimit::lift() {
  was_reset_ = false;
  return std::exchange(no_login_before_, std::nullopt).has_value();
}

Milliseconds ConnectionLimit::until_login(TimePoint now) const {
  if (!no_login_before_) return Milliseconds{0};
  return std::max(std::chrono::ceil<Milliseconds>(*no_login_before_ - now), Milliseconds{0});
}

Milliseconds ConnectionLimit::until_first_bastion_probe(TimePoint now) const {
  if (!is_on()) return Milliseconds{0};
  return std::max(std::chrono::ceil<Milliseconds>(quiet_until_ - now), k_between_limited_probes);
}

}  // namespace holdfast::supervisor
