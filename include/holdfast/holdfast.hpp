// holdfast as a library: persistent SSH reverse tunnels, set up, looked at and taken away by a C++17 program.
//
//   find_package(holdfast 0.1 REQUIRED)                    # CMake
//   target_link_libraries(app PRIVATE holdfast::holdfast)
//
// The tunnels are the same that the program `holdfast` sees: it is what keeps them up when this process is gone, and it
// has to be installed. Nothing here needs to go on running for a tunnel.
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

/// "0.1.0", of the library.
std::string_view version() noexcept;

struct Options {
  enum class Scope {
    automatic,  ///< system for root, user for everybody else
    user,       ///< the user's own tunnels
    system,     ///< the machine's: only root can change them
  };
  Scope scope = Scope::automatic;
  /// The program `holdfast`, an absolute path: what services, crontabs and start-up files will run. Empty: the one that
  /// HOLDFAST_PROGRAM names, or else the one that is found in PATH.
  std::string program = {};
};

/// What a setup came to.
struct Made {
  Status tunnel;
  bool changed = false;  ///< false: it was there already, just so
};

/// The tunnels of one scope. It keeps nothing but its options: another program's changes are seen at once.
///
/// Calls block: most for milliseconds; set_up(), start() and restart() until the tunnel is verified end to end, which
/// can take half a minute. Each throws a Failure (holdfast/failure.hpp) when it does not do what it was asked for, and
/// std::bad_alloc as anything does.
///
/// They run programs as children, by argument list and never by a shell: ssh, and what the backends are asked with
/// (systemctl, loginctl, crontab, tmux, screen, id, getent). What is asked at once is asked in forked children of this
/// process. While a call runs, the process's SIGCHLD and SIGPIPE are the library's, and are put back as they were; a
/// handler for SIGCHLD is told once afterwards. HOME, USER, PATH and the like are read from the environment.
///
/// Calls may be made in several threads at once, also of one object. Two that change one tunnel do not run into each
/// other, in whatever processes they are: the later one fails. The process must have no other thread that waits for
/// any child (waitpid(-1)), that sets SIGCHLD or SIGPIPE, or that changes the environment, while a call runs.
class Tunnels {
 public:
  explicit Tunnels(Options options = {});
  ~Tunnels();
  Tunnels(Tunnels&&) noexcept;
  Tunnels& operator=(Tunnels&&) noexcept;
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  /// Makes the tunnel, or makes the one of that name so: checks the way to the bastion, installs it, starts it and
  /// waits until it is up. With the same request again nothing is changed. On a failure, a cancel included, everything
  /// is undone and a former tunnel of that name runs again.
  Made set_up(const Request& request, const Watch& watch = {});

  /// Every file and command of set_up(), a line or several each; changes nothing.
  std::vector<std::string> plan(const Request& request, const Watch& watch = {});

  /// Of all tunnels, by name. One whose file is broken is among them, `failed`. Changes nothing.
  std::vector<Status> status(const Watch& watch = {}) const;
  /// Of one.
  Status status(const std::string& name, const Watch& watch = {}) const;

  /// Starts a tunnel that is stopped and waits until it is up.
  Status start(const std::string& name, const Watch& watch = {});

  /// Ends its supervisor and its ssh; it stays installed. False when it did not run. Cannot be cancelled.
  bool stop(const std::string& name);

  enum class Connection { anew, kept };
  /// Stops and starts it and waits until it is up. `kept`: its ssh goes on, and no session through it is dropped;
  /// watch is warned where that could not be.
  Status restart(const std::string& name, Connection connection = Connection::anew, const Watch& watch = {});

  /// Stops the tunnel, uninstalls it and deletes all that belongs to it; a line for each thing that is gone. Cannot be
  /// cancelled.
  std::vector<std::string> remove(const std::string& name);

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace v0
}  // namespace holdfast
