// holdfast as a library: sets up, inspects and removes persistent SSH reverse tunnels from a C++17 program.
//
//   find_package(holdfast 0.1 REQUIRED)                    # CMake
//   target_link_libraries(app PRIVATE holdfast::holdfast)
//
// The program `holdfast` must be installed: it manages the same tunnels and keeps them up after this process exits.
#pragma once

#include <holdfast/failure.hpp>
#include <holdfast/request.hpp>
#include <holdfast/status.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {
inline namespace v0 {

/// The version of the library: "0.1.0".
std::string_view version() noexcept;

struct Options {
  enum class Scope {
    automatic,  ///< system for root, user for other users
    user,       ///< the user's own tunnels
    system,     ///< tunnels of the machine: only root can change them
  };
  Scope scope = Scope::automatic;
  /// The absolute path of the program `holdfast`, which services, crontabs and start-up files will run. Empty: the
  /// value of HOLDFAST_PROGRAM, else the one in PATH.
  std::string program = {};
};

/// The result of set_up().
struct Made {
  Status tunnel;
  bool changed = false;  ///< false when the tunnel was already set up like this
};

/// The tunnels of one scope. Keeps only its options, so changes by other programs are visible at once.
///
/// Calls block: most for milliseconds; set_up(), start() and restart() until the tunnel is verified end to end, which
/// can take 30 s. A call that fails throws a Failure (holdfast/failure.hpp); any call can throw std::bad_alloc.
///
/// Calls run programs by argument list, never through a shell: ssh, systemctl, loginctl, crontab, tmux, screen, id and
/// getent. Queries that can hang run in forked children of this process. During a call the library uses SIGCHLD and
/// SIGPIPE of the process; it restores them, and then calls a handler for SIGCHLD once. It reads HOME, USER, PATH and
/// similar variables from the environment.
///
/// Concurrent calls are safe, also on one object. Of two calls that change one tunnel, in the same or in different
/// processes, the later one fails. While a call runs, no other thread may wait for any child (waitpid(-1)), change
/// SIGCHLD or SIGPIPE, or change the environment.
class Tunnels {
 public:
  explicit Tunnels(Options options = {});
  ~Tunnels();
  Tunnels(Tunnels&&) noexcept;
  Tunnels& operator=(Tunnels&&) noexcept;
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  /// Creates the tunnel, or changes the one of that name: checks the connection to the bastion, installs the tunnel,
  /// starts it and waits until it is up. Changes nothing when the tunnel is already set up like this. After a failure
  /// or a cancel it undoes everything, and a previous tunnel of that name runs again.
  Made set_up(const Request& request, const Watch& watch = {});

  /// The files and commands of set_up(), as text; changes nothing.
  std::vector<std::string> plan(const Request& request, const Watch& watch = {});

  /// The status of all tunnels, by name. A tunnel with an invalid file is `failed`. Changes nothing.
  std::vector<Status> status(const Watch& watch = {}) const;
  /// The status of one tunnel.
  Status status(const std::string& name, const Watch& watch = {}) const;

  /// Starts a stopped tunnel and waits until it is up.
  Status start(const std::string& name, const Watch& watch = {});

  /// Ends its supervisor and its ssh; the tunnel stays installed. False when it did not run. Cannot be cancelled.
  bool stop(const std::string& name);

  enum class Connection { anew, kept };
  /// Restarts the supervisor and waits until the tunnel is up. `kept`: ssh and the sessions through it continue; where
  /// that is impossible, `watch` gets a warning.
  Status restart(const std::string& name, Connection connection = Connection::anew, const Watch& watch = {});

  /// Stops and uninstalls the tunnel and deletes its files; returns a line for each removed thing. Cannot be cancelled.
  std::vector<std::string> remove(const std::string& name);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace holdfast
