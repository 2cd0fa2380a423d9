#include "supervisor/probe/probe_rounds.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::supervisor {

using store::ForwardState;
using Kind = ProbeAnswered::Kind;

ProbeRounds::Round ProbeRounds::begin(const Tunnel& tunnel, const std::vector<std::size_t>& wanted,
                                      const MayReach& may_reach) {
  targets_.clear();
  for (const Forward& forward : tunnel->forwards) targets_.push_back(end_text(forward.target()));
  reached_.resize(targets_.size());
  std::map<std::string, std::vector<std::size_t>> members;
  for (const std::size_t at : wanted) members[targets_.at(at)].push_back(at);
  Round round{wanted, {}};
  for (auto& [target, forwards] : members) {
    const auto first = forwards.begin() + static_cast<std::ptrdiff_t>(rounds_ % forwards.size());
    std::rotate(forwards.begin(), first, forwards.end());
    std::stable_partition(forwards.begin(), forwards.end(), [this](std::size_t at) { return !reached_[at]; });
    for (std::size_t count = 0; count < forwards.size(); ++count) {
      const bool is_new = !reached_[forwards[count]];
      if (count != 0 && !is_new) break;
      if (!may_reach(target, is_new)) break;
      round.forwards.push_back(forwards[count]);
    }
  }
  std::ranges::sort(round.forwards);
  ++rounds_;
  return round;
}

std::vector<std::string> ProbeRounds::skipped_targets(const Round& round) const {
  std::set<std::string> skipped;
  for (const std::size_t at : round.wanted) skipped.insert(targets_.at(at));
  for (const std::size_t at : round.forwards) skipped.erase(targets_.at(at));
  return {skipped.begin(), skipped.end()};
}

void ProbeRounds::hear(const std::string& target, const std::optional<Diagnosis>& why) {
  states_[target] = why ? ForwardState::down : ForwardState::up;
  if (why) why_ = why;
}

ProbeAnswered ProbeRounds::finish(const Round& round, ProbeAnswered answer) {
  if (answer.kind == Kind::silent || answer.forwards.size() != round.forwards.size()) return answer;
  for (std::size_t at = 0; at < round.forwards.size(); ++at) {
    const std::size_t forward = round.forwards[at];
    if (forward >= targets_.size()) return answer;  // the forwards changed meanwhile: the machine ignores the answer
    reached_[forward] = true;
    if (answer.forwards[at] == ForwardState::busy) {
      busy_.insert(forward);
      continue;
    }
    busy_.erase(forward);
    states_[targets_[forward]] = answer.forwards[at];
  }
  if (answer.kind == Kind::target_down) why_ = answer.why;
  last_ = answer;
  return for_all(round, std::move(answer));
}

ProbeAnswered ProbeRounds::finish_path(const Round& round, double rtt_ms) {
  ProbeAnswered answer = last_;
  if (answer.kind == Kind::silent) answer.kind = Kind::unproven;  // no round has reached a target
  if (answer.kind == Kind::target_down) {                         // for_all() decides that anew
    answer.kind = Kind::verified;
    answer.why.reset();
  }
  answer.rtt_ms = rtt_ms;
  return for_all(round, std::move(answer));
}

ProbeAnswered ProbeRounds::finish_unseen(const Round& round, Diagnosis why) const {
  ProbeAnswered answer;
  answer.kind = Kind::unproven;
  answer.why = why;
  answer = for_all(round, std::move(answer));
  if (answer.kind == Kind::target_down) answer.why = std::move(why);
  return answer;
}

ProbeAnswered ProbeRounds::for_all(const Round& round, ProbeAnswered answer) const {
  answer.forwards.clear();
  bool all_reached = true;
  for (const std::size_t at : round.wanted) {
    const auto state = at < targets_.size() ? states_.find(targets_[at]) : states_.end();
    const auto of_target = state == states_.end() ? ForwardState::up : state->second;
    answer.forwards.push_back(busy_.contains(at) ? ForwardState::busy : of_target);
    all_reached = all_reached && at < reached_.size() && reached_[at];
  }
  if (answer.kind == Kind::verified && !all_reached) answer.kind = Kind::unproven;
  // What this round did not reach works no better than before.
  const bool all_up = std::ranges::all_of(answer.forwards, [](ForwardState one) { return one == ForwardState::up; });
  if (!all_up && (answer.kind == Kind::verified || answer.kind == Kind::unproven)) {
    answer.kind = Kind::target_down;
    answer.why = why_;
  }
  return answer;
}

}  // namespace holdfast::supervisor
