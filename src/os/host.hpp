// The seam between holdfast and the machine: everything the rest needs of it, behind one interface, so that
// tests can stand a recorded host in its place. The real one is os/posix_host.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::os {

namespace fs = boost::filesystem;

using Environment = std::map<std::string, std::string>;

/// A user of this machine, as far as it can be known without a name service.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  ///< empty when the name service does not know the uid
  fs::path home;
  bool operator==(const User&) const = default;
};

/// Process identity that outlives pid reuse and reboots: a pid alone means nothing on a shared home.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot: field 22 of /proc/PID/stat, proc(5)
  std::string boot_id;           ///< /proc/sys/kernel/random/boot_id
  std::string host;              ///< host name
  bool operator==(const ProcessId&) const = default;
};

/// A command: always an argument list, argv[0] looked up in PATH when it has no slash.
struct Command {
  std::vector<std::string> argv;
  std::optional<Environment> environment = {};  ///< the whole environment; nothing: inherit ours
  std::string input = {};                       ///< given on standard input
};

/// How a command ended and what it said.
struct Completed {
  int exit_code = 0;       ///< 128 + signal when a signal ended it
  bool timed_out = false;  ///< we ended it: SIGTERM, then SIGKILL
  std::string out;
  std::string err;
  [[nodiscard]] bool ok() const noexcept { return exit_code == 0 && !timed_out; }
};

/// A process that is to outlive us: own session, default signals, /dev/null as stdin, no descriptor inherited.
struct Detached {
  Command command;
  fs::path out;  ///< stdout and stderr are appended here; /dev/null when empty
};

enum class FileKind { missing, regular, directory, symlink, socket, other };

/// lstat(2), never following a link.
struct FileStatus {
  FileKind kind = FileKind::missing;
  mode_t mode = 0;  ///< permission bits only
  uid_t owner = 0;
  std::uint64_t size = 0;
  gid_t group = 0;
};

class Host {
 public:
  virtual ~Host() = default;

  // --- identity
  [[nodiscard]] virtual User user() const = 0;             ///< the one we run as
  [[nodiscard]] virtual std::string hostname() const = 0;  ///< gethostname(2)
  [[nodiscard]] virtual std::string boot_id() const = 0;
  [[nodiscard]] virtual std::optional<std::string> env(const std::string& name) const = 0;
  [[nodiscard]] virtual fs::path self() const = 0;  ///< the program holdfast, absolute: what backends start
  [[nodiscard]] virtual fs::path working_directory() const = 0;
  /// Another user by name, through id(1) and getent(1): a static binary has no name service.
  [[nodiscard]] virtual Result<User> find_user(const std::string& name) const = 0;

  // --- files (bounded: a file over `limit` bytes is an error)
  [[nodiscard]] virtual Result<std::string> read_file(const fs::path& path, std::size_t limit = 1 << 20) const = 0;
  [[nodiscard]] virtual FileStatus status(const fs::path& path) const = 0;  ///< lstat
  /// True when some process holds an exclusive flock(2) on the file. Takes nothing; a missing or closed one is not
  /// held.
  [[nodiscard]] virtual bool is_locked(const fs::path& path) const = 0;
  [[nodiscard]] virtual std::vector<std::string> list(
      const fs::path& directory) const = 0;  ///< names, sorted; none if unreadable
  /// temp file beside it, fsync, rename, fsync of the directory; nothing changes on failure.
  [[nodiscard]] virtual Result<> write_file(const fs::path& path, std::string_view bytes, mode_t mode) = 0;
  /// The same without fsync: for state that a crash of the machine may take (/run, /tmp).
  [[nodiscard]] virtual Result<> write_volatile_file(const fs::path& path, std::string_view bytes, mode_t mode) = 0;
  [[nodiscard]] virtual Result<> remove_file(const fs::path& path) = 0;  ///< a missing file is no error
  /// Makes `directory` and its missing parents with `mode`; returns those it made, outermost first.
  [[nodiscard]] virtual Result<std::vector<fs::path>> make_directories(const fs::path& directory, mode_t mode) = 0;
  [[nodiscard]] virtual Result<> remove_empty_directory(
      const fs::path& directory) = 0;  ///< not empty or missing: an error
  /// Removes a directory and all that is in it, following no link, not even one put there meanwhile; a missing one is
  /// no error.
  [[nodiscard]] virtual Result<> remove_tree(const fs::path& directory) = 0;

  // --- processes
  /// Where `program` is in PATH (or as given when it has a slash), if it can be executed.
  [[nodiscard]] virtual std::optional<fs::path> find_program(const std::string& program) const = 0;
  /// Runs it to its end or the deadline. An Error only when it could not be started.
  [[nodiscard]] virtual Result<Completed> run(const Command& command, std::chrono::milliseconds deadline) const = 0;
  [[nodiscard]] virtual Result<ProcessId> start_detached(const Detached& detached) = 0;
  /// The identity of a live process of this host; nothing when there is no such process (a zombie is none).
  [[nodiscard]] virtual std::optional<ProcessId> process(pid_t pid) const = 0;
  [[nodiscard]] virtual std::string command_line(pid_t pid) const = 0;  ///< NUL separated; empty when gone
  /// Signals that very process; false when it is gone or is no longer the same one.
  virtual bool signal(const ProcessId& process, int signal_number) = 0;
  virtual void sleep_for(std::chrono::milliseconds span) const = 0;

  // --- clocks
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const = 0;
  [[nodiscard]] virtual std::chrono::sys_time<std::chrono::milliseconds> wall_now() const = 0;
};

/// True while that very process is running, on this host and in this boot. A reused pid does not count.
[[nodiscard]] bool is_alive(const Host& host, const ProcessId& process);

/// Waits at most `timeout` for `process` to end. False: it is still running.
[[nodiscard]] bool wait_for_exit(const Host& host, const ProcessId& process, std::chrono::milliseconds timeout);

}  // namespace holdfast::os
