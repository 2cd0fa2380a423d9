// Which forwards a probe connects to. Each connection reaches the target, and sshd counts one that does not log in:
// PerSourcePenalties (OpenSSH 9.8) bans this machine from itself. So a round reaches each distinct target once, by
// another of its forwards each time. Pure.
#pragma once

#include "core/tunnel.hpp"
#include "supervisor/machine/events.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::supervisor {

class ProbeRounds {
 public:
  /// `may_reach`: true when this user's tunnels have not reached the target lately. It counts as reached then.
  /// `at_once`: the forward was not reached over this connection yet.
  using MayReach = std::function<bool(const std::string& target, bool at_once)>;

  struct Round {
    std::vector<std::size_t> wanted;    ///< By number.
    std::vector<std::size_t> forwards;  ///< Those to connect to. Empty: the path only.
  };
  [[nodiscard]] Round begin(const Tunnel& tunnel, const std::vector<std::size_t>& wanted, const MayReach& may_reach);

  /// The targets that the round wants, and does not connect to.
  [[nodiscard]] std::vector<std::string> skipped_targets(const Round& round) const;
  /// Another tunnel of this user has just connected to a skipped target. `why`: empty when the target answered.
  void hear(const std::string& target, const std::optional<Diagnosis>& why);

  /// `answer` to Round::forwards becomes one to Round::wanted: a forward that was not connected to has the state of its
  /// target. Until each one was reached over this connection, `verified` becomes `unproven` without a cause.
  [[nodiscard]] ProbeAnswered finish(const Round& round, ProbeAnswered answer);
  /// The bastion answered over the path with that round trip. No target was reached.
  [[nodiscard]] ProbeAnswered finish_path(const Round& round, double rtt_ms);

  /// Nothing can be probed: every forward stays as it was last seen.
  [[nodiscard]] ProbeAnswered finish_unseen(const Round& round, Diagnosis why) const;

  /// For a new connection, or for other forwards.
  void start_over() { *this = {}; }

 private:
  [[nodiscard]] ProbeAnswered for_all(const Round& round, ProbeAnswered answer) const;

  std::vector<std::string> targets_;                   ///< By forward.
  std::vector<bool> reached_;                          ///< By forward, over this connection.
  std::map<std::string, store::ForwardState> states_;  ///< By target.
  std::set<std::size_t> busy_;                         ///< Forwards on whose port another process answers.
  std::optional<Diagnosis> why_;                       ///< Of the last forward that did not work.
  ProbeAnswered last_;                                 ///< To the last round that reached a target.
  std::size_t rounds_ = 0;
};

}  // namespace holdfast::supervisor
