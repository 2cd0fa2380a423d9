#include "supervisor/machine/probe_policy.hpp"

#include <algorithm>

namespace holdfast::supervisor {
namespace {

constexpr int k_silence_limit = 2;

}  // namespace

Milliseconds ProbePolicy::interval(const Rules& rules, double chance) {
  const auto whole = std::chrono::duration_cast<Milliseconds>(rules.probe_interval);
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(whole.count()) * (0.8 + 0.2 * chance)));
}

Milliseconds ProbePolicy::recheck_interval(const Rules& rules) {
  return std::min<Milliseconds>(k_target_recheck, rules.probe_interval);
}

Milliseconds ProbePolicy::interval_after(const ProbeAnswered& answer, const Rules& rules, double chance) {
  const bool is_incomplete = answer.kind == ProbeAnswered::Kind::unproven && !answer.why;
  return is_incomplete ? std::min<Milliseconds>(k_incomplete_recheck, rules.probe_interval) : interval(rules, chance);
}

Milliseconds ProbePolicy::timeout(const Rules& rules, std::optional<double> rtt_ms) const {
  if (had_no_route_ && !suspects_dead_path_) return k_returned_probe_timeout;
  if (rules.target_by_name && silences_ >= k_silence_limit) return k_long_probe_timeout;
  if (!suspects_dead_path_) return k_probe_timeout;
  if (!rtt_ms) return k_unmeasured_probe_timeout;
  const auto round_trips = Milliseconds(static_cast<Milliseconds::rep>(4 * *rtt_ms));
  return std::min(k_short_probe_timeout + round_trips, k_probe_timeout);
}

Milliseconds ProbePolicy::until_change_probe(TimePoint now) {
  const auto passed = std::chrono::duration_cast<Milliseconds>(now - change_probed_at_);
  if (passed < k_between_change_probes) return k_between_change_probes - passed;
  change_probed_at_ = now;
  return Milliseconds{0};
}

bool ProbePolicy::on_silent_request() noexcept { return ++silences_ >= k_silence_limit; }

bool ProbePolicy::on_silent_probe(const Rules& rules) noexcept {
  return ++silences_ >= (rules.target_by_name && !had_no_route_ ? k_silence_limit + 1 : k_silence_limit);
}

}  // namespace holdfast::supervisor
