// What is true of a tunnel now: `holdfast status --json` as values. What is not known is empty.
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
    connecting,
    waiting,  ///< to try again at next_attempt
    standby,  ///< another host of a shared home has it
    failed,   ///< a person is needed; slow attempts go on
    stopped,
  };

  struct Forward {
    enum class State { up, down, denied, busy, pending };
    std::string listen;  ///< at the bastion: "127.0.0.1:2222", "[::1]:2222", a socket's path
    std::string target;  ///< on this side: "localhost:22"
    std::optional<State> state;
  };

  /// How a tunnel comes through something.
  struct Endurance {
    enum class Kind { no, at_login, within, yes };
    Kind kind = Kind::no;
    std::chrono::seconds bound{0};  ///< only of `within`: back after that at the latest
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
    std::string message;  ///< one line; may quote any byte of a stranger's
    std::string hint;     ///< one command or setting; may be empty
    std::optional<Instant> at;
  };

  std::string name;
  std::optional<State> state;
  std::optional<bool> verified;  ///< a connection from the bastion's port came back to the target here
  std::optional<Instant> since;  ///< in this state
  std::optional<std::string> host;
  std::optional<std::string> bastion;  ///< of several the one in use
  std::vector<std::string> bastions;   ///< the first choice first
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
