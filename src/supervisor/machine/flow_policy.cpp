#include "supervisor/machine/flow_policy.hpp"

#include "supervisor/machine/connection_limit.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

FlowPolicy::Verdict FlowPolicy::on_flow(const os::TcpFlow& flow, TimePoint now) {
  if (flow.unanswered < k_suspicious_packets) {
    answers_ = silences_ = 0;
    path_returned_ = false;
    return std::exchange(silent_, false) ? Verdict::recovered : Verdict::heard;
  }
  if (!std::exchange(silent_, true)) return Verdict::interrupted;
  // Sooner than that the connection itself shows that it is back.
  const bool is_late = flow.retransmission > k_time_to_recover;
  if (std::exchange(path_returned_, false) && is_late) return Verdict::returned;
  const bool has_answers = answers_ >= k_answers_needed;
  // After an outage the next retransmission may be far away, and the connection lives until then.
  const bool had_time = now - answering_since_ >= std::max(k_time_to_recover, flow.retransmission);
  const bool is_backed_off = flow.retransmission > k_between_answered_probes;
  const unsigned needed = is_backed_off ? k_dead_retransmissions : k_dead_packets;
  return flow.unanswered >= needed && has_answers && had_time ? Verdict::dead : Verdict::silent;
}

void FlowPolicy::on_syn_probe(bool answered, TimePoint now) {
  if (answered && answers_ == 0) answering_since_ = now;
  path_returned_ |= answered && silences_ >= k_silences_of_outage;
  answers_ = answered ? answers_ + 1 : 0;
  silences_ = answered ? 0 : silences_ + 1;
  next_probe_ = now + (answered ? k_between_answered_probes : k_between_silent_probes);
}

void FlowPolicy::on_rejection(TimePoint now) {
  answers_ = 0;
  next_probe_ = now + k_limit_pause;
}

Milliseconds FlowPolicy::until_check(Verdict verdict, const os::TcpFlow& flow) {
  constexpr Milliseconds k_shortest = std::chrono::seconds(5);
  constexpr Milliseconds k_longest = std::chrono::seconds(8);
  if (verdict != Verdict::heard && verdict != Verdict::recovered) return k_silent_check;
  return std::clamp(k_shortest * 2 - std::min(flow.since_ack, k_shortest), k_shortest, k_longest);
}

}  // namespace holdfast::supervisor
