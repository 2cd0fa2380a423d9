// The interface between holdfast and the machine. os/posix_host implements it; tests use a fake.
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

/// A user of this machine.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  ///< empty when unknown
  fs::path home;
  bool operator==(const User&) const = default;
};

/// The identity of a process. Unlike a pid it stays unique after pid reuse, reboots, and on a shared home.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot: field 22 of /proc/PID/stat, proc(5)
  std::string boot_id;           ///< /proc/sys/kernel/random/boot_id
  std::string host;              ///< host name
  bool operator==(const ProcessId&) const = default;
};

/// A command as an argument list. argv[0] is looked up in PATH unless it contains a slash.
struct Command {
  std::vector<std::string> argv;
  std::optional<Environment> environment = {};  ///< the whole environment; empty: inherit ours
  std::string input = {};                       ///< standard input
};

/// The result of a command.
struct Completed {
  int exit_code = 0;       ///< 128 + signal after a signal
  bool timed_out = false;  ///< ended by us at its deadline: SIGTERM, then SIGKILL
  std::string out;
  std::string err;
  [[nodiscard]] bool ok() const noexcept { return exit_code == 0 && !timed_out; }
};

/// A process that outlives us: own session, default signals, /dev/null as stdin, no inherited descriptors.
struct Detached {
  Command command;
  fs::path out;  ///< stdout and stderr are appended to it; /dev/null when empty
};

enum class FileKind { missing, regular, directory, symlink, socket, other };

/// From lstat(2): does not follow symbolic links.
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
  [[nodiscard]] virtual User user() const = 0;             ///< the effective user
  [[nodiscard]] virtual std::string hostname() const = 0;  ///< gethostname(2)
  [[nodiscard]] virtual std::string boot_id() const = 0;
  [[nodiscard]] virtual std::optional<std::string> env(const std::string& name) const = 0;
  [[nodiscard]] virtual fs::path self() const = 0;  ///< the absolute path of holdfast, which backends start
  [[nodiscard]] virtual fs::path working_directory() const = 0;
  /// Looks up a user by name through getent(1): a static binary cannot use the name service.
  [[nodiscard]] virtual Result<User> find_user(const std::string& name) const = 0;

  // --- files
  /// An Error for a file of more than `limit` bytes, and for anything but a regular file.
  [[nodiscard]] virtual Result<std::string> read_file(const fs::path& path, std::size_t limit = 1 << 20) const = 0;
  [[nodiscard]] virtual FileStatus status(const fs::path& path) const = 0;
  /// True when a process holds an exclusive flock(2) on the file. Creates nothing; a missing or unreadable file is not
  /// locked.
  [[nodiscard]] virtual bool is_locked(const fs::path& path) const = 0;
  [[nodiscard]] virtual std::vector<std::string> list(
      const fs::path& directory) const = 0;  ///< sorted names; none if unreadable
  /// Replaces the file atomically and durably: temporary file, fsync, rename, fsync of the directory. After an Error
  /// nothing has changed.
  [[nodiscard]] virtual Result<> write_file(const fs::path& path, std::string_view bytes, mode_t mode) = 0;
  /// The same without fsync, for state that need not survive a crash of the machine (/run, /tmp).
  [[nodiscard]] virtual Result<> write_volatile_file(const fs::path& path, std::string_view bytes, mode_t mode) = 0;
  [[nodiscard]] virtual Result<> remove_file(const fs::path& path) = 0;  ///< a missing file is not an Error
  /// Creates `directory` and its missing parents with `mode`. Returns those created, outermost first.
  [[nodiscard]] virtual Result<std::vector<fs::path>> make_directories(const fs::path& directory, mode_t mode) = 0;
  [[nodiscard]] virtual Result<> remove_empty_directory(
      const fs::path& directory) = 0;  ///< an Error if it is missing or not empty
  /// Removes a directory and its content. Follows no symbolic link, even one that is created meanwhile. A missing
  /// directory is not an Error.
  [[nodiscard]] virtual Result<> remove_tree(const fs::path& directory) = 0;

  // --- processes
  /// The path of `program` in PATH (or `program` itself if it contains a slash), if it is executable.
  [[nodiscard]] virtual std::optional<fs::path> find_program(const std::string& program) const = 0;
  /// Runs a command until it ends or the deadline passes. An Error only when it could not be started.
  [[nodiscard]] virtual Result<Completed> run(const Command& command, std::chrono::milliseconds deadline) const = 0;
  [[nodiscard]] virtual Result<ProcessId> start_detached(const Detached& detached) = 0;
  /// The identity of a running process of this host; empty when there is none (a zombie does not count).
  [[nodiscard]] virtual std::optional<ProcessId> process(pid_t pid) const = 0;
  [[nodiscard]] virtual std::string command_line(pid_t pid) const = 0;  ///< separated by NULs; empty after its exit
  /// Signals that very process. False when it has ended, also if another process has its pid now.
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
