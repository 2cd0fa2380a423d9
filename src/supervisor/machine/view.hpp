// The state of a tunnel as status shows it, and its changes that both engines share.
#pragma once

#include "supervisor/machine/backoff.hpp"
#include "supervisor/machine/events.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::supervisor {

struct View {
  store::TunnelState state = store::TunnelState::connecting;
  bool verified = false;
  std::size_t bastion = 0;  ///< The present one, or the last one tried.
  std::vector<store::ForwardState> forwards;
  std::optional<double> rtt_ms;
  std::uint64_t reconnects = 0;
  std::optional<TimePoint> next_attempt;
  std::optional<Diagnosis> last_error;
  std::uint64_t errors = 0;  ///< Counts every set last_error.
  std::string reason;        ///< Of the last change of state.
};

struct ViewState : View {
  /// While `up` or `connecting` goes on, its first reason stays.
  void show(store::TunnelState new_state, std::string new_reason);
  void set_error(Diagnosis why);
  void mark_all(store::ForwardState forward_state);
  void clear_measurement();  ///< Not verified, no round trip.
  /// After a probe that was verified or unproven.
  void show_up(const ProbeAnswered& answer);
  /// The connection works, but at least one forward does not: `degraded` if another one does, else `otherwise`.
  void show_partial(store::TunnelState otherwise, std::string new_reason);
  /// The path works: only a target is down.
  void show_target_down(const Diagnosis& why);
  /// ssh keeps its connection until the path to the bastion is back.
  void show_interruption(const Diagnosis& why);
};

}  // namespace holdfast::supervisor
