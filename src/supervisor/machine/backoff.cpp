#include "supervisor/machine/backoff.hpp"

#include "supervisor/machine/fleet_spread.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {
namespace {

Milliseconds upper_half(Milliseconds ceiling, double chance) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(ceiling.count()) * (1 + chance) / 2));
}

/// Triples `ceiling` within the bounds.
Milliseconds next_wait(Milliseconds& ceiling, Milliseconds lowest, Milliseconds highest, double chance) {
  ceiling = std::clamp(ceiling * 3, lowest, highest);
  return std::max(lowest, upper_half(ceiling, chance));
}

}  // namespace

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
    case FailureClass::second_factor:
    case FailureClass::certificate:
    case FailureClass::agent:
    case FailureClass::jump_host:
    case FailureClass::crypto:
    case FailureClass::config:
    case FailureClass::ssh_missing:
      return Urgency::manual;
    case FailureClass::refused:
    case FailureClass::forward_busy:
    case FailureClass::target_down:
    case FailureClass::closed:
    case FailureClass::account:  // pam_nologin while the bastion boots or shuts down
    case FailureClass::unknown:
      return Urgency::steady;
  }
  return Urgency::steady;
}

Milliseconds Backoff::after_manual(FailureClass failure, TimePoint now, double chance) {
  // ssh offers no key to a host that it does not trust, so fail2ban and its like do not count these attempts.
  const bool is_host_key = failure == FailureClass::host_key_changed || failure == FailureClass::host_key_unknown;
  if (is_host_key && host_key_budget_.take(now)) return upper_half(k_quick_retry, chance);
  if (failure == FailureClass::forward_denied && denied_budget_.take(now)) return upper_half(k_denied_retry, chance);
  if (slow_ceiling_ == Milliseconds{0}) {
    // Some causes end by themselves: a home that was not mounted yet, a directory service that was restarted.
    if (early_manual_budget_.take(now)) {
      const Milliseconds wait = early_retries_++ % 2 == 0 ? k_first_early_retry : k_second_early_retry;
      return upper_half(wait, (1 + chance) / 2);
    }
    slow_ceiling_ = k_shortest_slow / 2;  // leaves room for jitter in the first slow wait, for the sake of large fleets
  }
  return next_wait(slow_ceiling_, k_shortest_slow, k_longest_slow, chance);
}

Milliseconds Backoff::after_remote_drop(double chance, const RetrySpread& spread) {
  ceiling_ = k_careful_spread;  // tunnels that retry too early do not retry together again
  if (spread.slot && spread.is_watched) return std::max(spread_delay(*spread.slot, spread.period), Milliseconds(1));
  if (spread.until_retry_slot) return spread.until_retry_slot();
  return Milliseconds(1) + spread_delay(chance, k_careful_spread);
}

/// The login has met a crowd. The next one takes its slot of the time from one second to 6 s after the moment that all
/// tunnels saw: in the first second the crowd fills MaxStartups.
Milliseconds Backoff::after_optimistic_login(double slot, Milliseconds period) {
  ceiling_ = k_careful_spread / 2;
  return k_shortest_wait + spread_delay(slot, k_careful_spread - k_shortest_wait - period);
}

Milliseconds Backoff::after(FailureClass failure, DropScope drop_scope, TimePoint now, double chance,
                            const RetrySpread& spread) {
  if (drop_scope != DropScope::none)
    dropped_alone_ = drop_scope == DropScope::local && failure != FailureClass::dead_peer;
  const bool was_full = std::exchange(server_full_, failure == FailureClass::closed && drop_scope == DropScope::none);
  const Urgency urgency = urgency_of(failure);
  if (urgency == Urgency::manual) return after_manual(failure, now, chance);
  // No bastion is contacted. The budget bounds the processes that a long outage of the resolver costs.
  if (failure == FailureClass::dns && dns_budget_.take(now)) return upper_half(k_quick_retry, chance);
  if (failure == FailureClass::refused) {
    if (spread.is_watched) return upper_half(k_watched_retry, chance);
    if (spread.until_retry_slot && refused_budget_.take(now)) return spread.until_retry_slot();
  }
  if (drop_scope != DropScope::none && immediate_budget_.take(now))
    return drop_scope == DropScope::local ? Milliseconds{0} : after_remote_drop(chance, spread);
  if (drop_scope == DropScope::remote) ceiling_ = std::max(ceiling_, k_careful_spread);
  // sshd is back: the waits of its absence say nothing about how long it will be full.
  if (server_full_ && !was_full) ceiling_ = std::min(ceiling_, k_careful_spread / 2);
  if (server_full_ && spread.was_first_login && spread.slot && spread.period < k_careful_spread)
    return after_optimistic_login(*spread.slot, spread.period);
  // MaxStartups is exhausted, and not by a fleet that dropped together with this tunnel.
  if (server_full_ && dropped_alone_ && server_full_budget_.take(now)) return upper_half(k_quick_retry, chance);
  if (ceiling_ == Milliseconds{0}) ceiling_ = k_shortest_wait / 2;
  return next_wait(ceiling_, k_shortest_wait, urgency == Urgency::soon ? k_longest_soon : k_longest_steady, chance);
}

bool Backoff::allows_early(Urgency urgency, TimePoint now, EarlyReason reason) {
  if (urgency == Urgency::manual) return early_manual_budget_.take(now);
  return reason == EarlyReason::path ? path_budget_.take(now) : early_budget_.take(now);
}

void Backoff::reset() noexcept {
  ceiling_ = Milliseconds{0};
  slow_ceiling_ = Milliseconds{0};
  early_retries_ = 0;
}

}  // namespace holdfast::supervisor
