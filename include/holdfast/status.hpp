// The status of a tunnel: the values of `holdfast status --json`. Unknown values are empty.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast {
inline namespace v0 {

using Instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

struct Status {
  enum class State {
    up,
    degraded,  ///< at least one forward works, and at least one does not
    connecting,
    waiting,  ///< next attempt at next_attempt
    standby,  ///< another host of a shared home runs it
    failed,   ///< needs manual action; slow retries continue
    stopped,
  };

  struct Forward {
    enum class State { up, down, denied, busy, pending };
    std::string listen;  ///< on the bastion: "127.0.0.1:2222", "[::1]:2222", a socket path
    std::string target;  ///< on this machine: "localhost:22"
    std::optional<State> state;
    enum class Bound { unknown, loopback, all };
    Bound bound = Bound::unknown;  ///< which addresses of the bastion it listens on, as far as it was seen
  };

  /// Whether a tunnel survives an event.
  struct Endurance {
    enum class Kind { no, at_login, within, yes };
    Kind kind = Kind::no;
    std::chrono::seconds bound{0};  ///< for `within`: the tunnel is back after this time
  };

  struct Backend {
    std::optional<std::string> name;  ///< "systemd-user", "cron", "nohup" …
    std::optional<bool> installed;
    std::optional<bool> running;
    std::optional<Endurance> crash;  ///< of the supervisor
    std::optional<Endurance> logout;
    std::optional<Endurance> reboot;
  };

  struct Error {
    std::string kind;     ///< as Failure::kind()
    std::string message;  ///< one line; may contain any byte
    std::string hint;     ///< one command or setting; may be empty
    std::optional<Instant> at;
  };

  std::string name;
  std::optional<State> state;
  std::optional<bool> verified;  ///< a connection to the bastion's port reached the target
  std::optional<Instant> since;  ///< start of this state
  std::optional<std::string> host;
  std::optional<std::string> bastion;  ///< the one in use
  std::vector<std::string> bastions;   ///< in order of preference
  std::optional<std::string> engine;
  std::vector<Forward> forwards;
  Backend backend;
  std::optional<int> supervisor_pid;
  std::optional<int> ssh_pid;
  std::optional<std::chrono::duration<double, std::milli>> round_trip;  ///< of the last probe
  std::optional<std::uint64_t> reconnects;
  std::optional<Instant> next_attempt;
  std::optional<Error> last_error;

  bool is_up() const noexcept { return state == State::up; }
};

}  // namespace v0
}  // namespace holdfast
