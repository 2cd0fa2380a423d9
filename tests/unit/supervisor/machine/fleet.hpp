// A fleet of supervisors and the one bastion that all of them use, in virtual time.
#pragma once

#include "world.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <vector>

namespace holdfast::supervisor {

/// How a bastion goes away.
enum class Outage {
  refusing,  ///< sshd ended, its host lives: every session is closed in one moment, new ones are refused
  silent,    ///< the host lost power: nobody is told, and packets come to nothing; at its return sessions are reset,
             ///< and logins refused for k_boot, as its network is up before its sshd
  cut_off,   ///< its network is gone and it lives: at the return everything is as it was
};

/// What the bastion saw, second by second from the loss on.
struct Seen {
  std::vector<std::size_t> logins;             ///< ssh was started, whatever became of it
  std::vector<std::size_t> looks;              ///< SYNs at its port, of which sshd knows nothing
  std::size_t dropped = 0;                     ///< by MaxStartups
  std::chrono::duration<double> last_back{0};  ///< after the return, until the last one was up
  std::chrono::duration<double> median_back{0};
};

/// Machines in their worlds, events by time. An sshd takes k_login for a login and drops by chance as `MaxStartups
/// 10:30:100` does; TCP asks again 1, 3 and 7 s after the first SYN.
class Fleet {
 public:
  /// Their ports follow one another, as where one person hands them out.
  Fleet(std::size_t size, std::uint64_t seed);

  /// All up for a while, the bastion away for `away`, and two minutes more.
  [[nodiscard]] Seen lose(Outage outage, Milliseconds away);

  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  struct Member {
    std::unique_ptr<World> world;
    double slot = 0;          ///< among all, by its port
    std::size_t starts = 0;   ///< of ssh, that were looked at
    std::uint64_t run = 0;    ///< what belongs to a former ssh is void
    std::uint64_t watch = 0;  ///< and to a former watch of the port
    bool watching = false;
    bool saw_failure = false;                 ///< the edge has its first half
    bool told = false;                        ///< that it refuses
    std::optional<TimePoint> refusing_since;  ///< unless the last look came to nothing
    bool sshd_lost_it = false;                ///< the bastion's end of its connection is gone
    std::array<std::optional<TimePoint>, k_timers> armed;
    std::optional<TimePoint> back;
  };
  struct Due {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator>(const Due& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  void at(TimePoint when, std::function<void()> what);
  void run_until(TimePoint end);
  void give(Member& member, const Event& event);
  void look_at(Member& member);
  void arm_timers(Member& member);
  void start_ssh(Member& member);
  void connect(Member& member, std::size_t try_number);
  void arrive(Member& member);
  void log_in(Member& member);
  void ask(Member& member);
  void look(Member& member);
  void look_later(Member& member);
  void notice_drop(Member& member);
  void fail(Member& member, FailureClass failure, Milliseconds after);
  void count(std::vector<std::size_t>& seconds) const;
  [[nodiscard]] bool drops();
  [[nodiscard]] bool is_away() const { return now_ >= lost_ && now_ < back_; }
  [[nodiscard]] bool refuses() const { return is_away() && now_ >= host_back_; }
  [[nodiscard]] double chance();
  [[nodiscard]] Milliseconds wall_clock() const;

  std::mt19937_64 random_;
  std::vector<Member> members_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
  std::uint64_t order_ = 0;
  TimePoint now_{std::chrono::hours(1)};
  TimePoint lost_ = TimePoint::max();
  TimePoint host_back_ = TimePoint::max();  ///< it answers, if only to refuse
  TimePoint back_ = TimePoint::max();
  Outage outage_ = Outage::refusing;
  std::size_t unauthenticated_ = 0;
  Seen seen_;
  std::string broken_;
};

}  // namespace holdfast::supervisor
