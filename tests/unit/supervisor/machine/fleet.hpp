// A fleet of supervisors and their bastion, in virtual time.
#pragma once

#include "world.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <vector>

namespace holdfast::supervisor {

/// How a bastion fails.
enum class Outage {
  refusing,  ///< sshd ended, its host is up: every session is closed at once, new ones are refused.
  silent,   ///< The host lost power: no packet is answered. After its return sessions are reset, and logins are refused
            ///< for k_boot, because its network is up before its sshd.
  cut_off,  ///< Its network is down, but it runs: after the return every session still exists.
};

/// What the bastion saw, by second since the outage began.
struct Seen {
  std::vector<std::size_t> logins;             ///< ssh was started.
  std::vector<std::size_t> syn_probes;         ///< sshd does not see them.
  std::size_t dropped = 0;                     ///< By MaxStartups.
  std::size_t most_drops = 0;                  ///< Of one tunnel.
  std::chrono::duration<double> last_back{0};  ///< From the return until the last one was up.
  std::chrono::duration<double> median_back{0};
};

/// Machines in their worlds, and a queue of events by time. The sshd takes k_login for a login and drops at random as
/// `MaxStartups 10:30:100` does. TCP sends another SYN 1, 3 and 7 s after the first.
class Fleet {
 public:
  /// With consecutive ports. `first_spread`: Rules::first_spread.
  Fleet(std::size_t size, std::uint64_t seed, Milliseconds first_spread);

  /// Five minutes up, then the outage, then up to ten minutes until every tunnel is back.
  [[nodiscard]] Seen lose(Outage outage, Milliseconds away);

  [[nodiscard]] const std::string& violation() const { return violation_; }

 private:
  struct Member {
    std::unique_ptr<World> world;
    double slot = 0;          ///< Its retry slot.
    std::size_t starts = 0;   ///< Of ssh, that were handled.
    std::uint64_t run = 0;    ///< Events of an earlier ssh are ignored.
    std::uint64_t watch = 0;  ///< As are those of an earlier watch.
    bool watching = false;
    bool saw_failure = false;  ///< The first half of the edge.
    bool reported_refusal = false;
    std::optional<TimePoint> refusing_since;  ///< Empty when the last probe got no answer.
    bool sshd_lost_it = false;                ///< The bastion's end of its connection is gone.
    std::array<std::optional<TimePoint>, k_timers> armed;
    std::optional<TimePoint> back;
    std::size_t drops = 0;
  };
  struct Due {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator>(const Due& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  void at(TimePoint when, std::function<void()> run);
  void run_until(TimePoint end);
  void give(Member& member, const Event& event);
  void execute_actions(Member& member);
  void arm_timers(Member& member);
  void start_ssh(Member& member);
  void connect(Member& member, std::size_t try_number);
  void arrive(Member& member);
  void log_in(Member& member);
  void answer_request(Member& member);
  void probe_bastion(Member& member);
  void schedule_bastion_probe(Member& member);
  void notice_drop(Member& member);
  void fail(Member& member, FailureClass failure, Milliseconds after);
  void count(std::vector<std::size_t>& seconds) const;
  [[nodiscard]] bool drops();
  [[nodiscard]] bool is_away() const { return now_ >= lost_ && now_ < back_; }
  [[nodiscard]] bool refuses() const { return is_away() && now_ >= host_back_; }
  [[nodiscard]] bool are_all_back() const;
  [[nodiscard]] double chance();
  [[nodiscard]] Milliseconds wall_clock() const;

  std::mt19937_64 random_;
  std::vector<Member> members_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
  std::uint64_t order_ = 0;
  TimePoint now_{std::chrono::hours(1)};
  TimePoint lost_ = TimePoint::max();
  TimePoint host_back_ = TimePoint::max();  ///< It answers again, if only to refuse.
  TimePoint back_ = TimePoint::max();
  Outage outage_ = Outage::refusing;
  std::size_t unauthenticated_ = 0;
  Seen seen_;
  std::string violation_;
};

}  // namespace holdfast::supervisor
