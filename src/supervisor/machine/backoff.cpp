#include "supervisor/machine/backoff.hpp"

#include <algorithm>
#include <utility>

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

// Somewhere in the upper half.
Milliseconds Backoff::spread(Milliseconds ceiling, double chance) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(ceiling.count()) * (1 + chance) / 2));
}

Milliseconds Backoff::jitter(Milliseconds& ceiling, Milliseconds lowest, Milliseconds highest, double chance) {
  ceiling = std::clamp(ceiling * 3, lowest, highest);
  return std::max(lowest, spread(ceiling, chance));
}

// What heals by itself does so soon: a home that was not mounted yet, a directory service that was restarted.
Milliseconds Backoff::after_slow(FailureClass failure, TimePoint now, double chance) {
  // No key is shown to a host that is not trusted: what bans those who guess does not count this.
  const bool host_key_changed_often =
      failure == FailureClass::host_key_changed || failure == FailureClass::host_key_unknown;
  if (host_key_changed_often && host_key_budget_.take(now)) return spread(k_soon_again, chance);
  if (ceiling_slow_ == Milliseconds{0}) {
    if (early_slow_.take(now)) {
      const Milliseconds look = slow_looks_++ % 2 == 0 ? k_second_look : k_third_look;
      return spread(look, (1 + chance) / 2);
    }
    // The first slow wait too is spread: a thousand clients of one bastion are not to come back together.
    ceiling_slow_ = k_shortest_slow / 2;
  }
  return jitter(ceiling_slow_, k_shortest_slow, k_longest_slow, chance);
}

Milliseconds Backoff::after_remote_drop(double chance, const RetrySpread& stagger) {
  ceiling_ = k_spread;  // those who came too early do not come again together either
  if (stagger.spread_delay) return std::max(*stagger.spread_delay, Milliseconds(1));
  if (stagger.until_retry_slot) return stagger.until_retry_slot();
  return Milliseconds(1 + static_cast<Milliseconds::rep>(static_cast<double>(k_spread.count()) * chance));
}

Milliseconds Backoff::after(FailureClass failure, DropScope drop_scope, TimePoint now, double chance,
                            const RetrySpread& stagger) {
  if (drop_scope != DropScope::none) lost_alone_ = drop_scope == DropScope::local && failure != FailureClass::dead_peer;
  const Urgency urgency = urgency_of(failure);
  if (urgency == Urgency::needs_person) return after_slow(failure, now, chance);
  // No bastion is asked, so none is spared by waiting; a resolver that stays away for long is not worth the processes.
  if (failure == FailureClass::dns && dns_budget_.take(now)) return spread(k_soon_again, chance);
  if (failure == FailureClass::refused) {
    if (stagger.spread_delay) return spread(k_looked_at, chance);
    if (stagger.until_retry_slot && refused_.take(now)) return stagger.until_retry_slot();
  }
  if (drop_scope != DropScope::none && immediate_.take(now))
    return drop_scope == DropScope::local ? Milliseconds{0} : after_remote_drop(chance, stagger);
  // Its places are taken, and not by those who lost it with us: there are none.
  if (failure == FailureClass::closed && lost_alone_ && auth_budget_.take(now)) return spread(k_soon_again, chance);
  // It lives: what was waited for its return says nothing of how long it will have no place.
  const bool again = std::exchange(server_full_, failure == FailureClass::closed);
  if (server_full_ && !again) ceiling_ = std::min(ceiling_, k_spread / 2);
  if (ceiling_ == Milliseconds{0}) ceiling_ = k_shortest_wait / 2;
  return jitter(ceiling_, k_shortest_wait, urgency == Urgency::soon ? k_longest_soon : k_longest_steady, chance);
}

bool Backoff::allows_early(Urgency urgency, TimePoint now) {
  return urgency == Urgency::needs_person ? early_slow_.take(now) : early_.take(now);
}

void Backoff::reset() noexcept {
  ceiling_ = Milliseconds{0};
  ceiling_slow_ = Milliseconds{0};
  slow_looks_ = 0;
}

}  // namespace holdfast::supervisor
