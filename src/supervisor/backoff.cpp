#include "supervisor/backoff.hpp"

#include <algorithm>

namespace holdfast::supervisor {

bool Budget::take(TimePoint now) {
  while (!uses_.empty() && now - uses_.front() >= window_) uses_.pop_front();
  if (uses_.size() >= count_) return false;
  uses_.push_back(now);
  return true;
}

Urgency urgency_of(FailureClass failure) noexcept {
  switch (failure) {
    case FailureClass::dns:
    case FailureClass::timeout:
    case FailureClass::unreachable:
    case FailureClass::dead_peer:
      return Urgency::soon;
    case FailureClass::auth:
    case FailureClass::key_missing:
    case FailureClass::key_permissions:
    case FailureClass::key_passphrase:
    case FailureClass::host_key_unknown:
    case FailureClass::host_key_changed:
    case FailureClass::forward_denied:
    case FailureClass::crypto:
    case FailureClass::config:
    case FailureClass::ssh_missing:
      return Urgency::needs_person;
    case FailureClass::refused:
    case FailureClass::forward_busy:
    case FailureClass::target_down:
    case FailureClass::closed:
    case FailureClass::unknown:
      return Urgency::steady;
  }
  return Urgency::steady;
}

Milliseconds Backoff::jitter(Milliseconds& last, Milliseconds lowest, Milliseconds highest, double chance) {
  const Milliseconds upper = std::clamp(last * 3, lowest, highest);
  const auto span = static_cast<double>((upper - lowest).count());
  last = std::clamp(lowest + Milliseconds(static_cast<Milliseconds::rep>(span * chance)), lowest, highest);
  return last;
}

Milliseconds Backoff::after(FailureClass failure, bool was_up, TimePoint now, double chance) {
  const Urgency urgency = urgency_of(failure);
  if (urgency == Urgency::needs_person) {
    // The first wait too is spread: a thousand clients of one bastion are not to come back together.
    if (last_slow_ == Milliseconds{0}) last_slow_ = k_shortest_slow / 2;
    return jitter(last_slow_, k_shortest_slow, k_longest_slow, chance);
  }
  if (was_up && immediate_.take(now)) return Milliseconds{0};
  if (last_ == Milliseconds{0}) last_ = k_shortest_wait / 2;
  return jitter(last_, k_shortest_wait, urgency == Urgency::soon ? k_longest_soon : k_longest_steady, chance);
}

bool Backoff::allows_early(Urgency urgency, TimePoint now) {
  return urgency == Urgency::needs_person ? early_slow_.take(now) : early_.take(now);
}

void Backoff::reset() noexcept {
  last_ = Milliseconds{0};
  last_slow_ = Milliseconds{0};
}

}  // namespace holdfast::supervisor
