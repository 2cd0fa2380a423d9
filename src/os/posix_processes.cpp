#include "os/posix_processes.hpp"

#include "core/text.hpp"
#include "os/piped_child.hpp"
#include "os/posix_files.hpp"
#include "os/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace holdfast::os {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds k_exit_poll{10};  // without a pidfd
constexpr milliseconds k_longest_poll{3'600'000};
constexpr std::size_t k_largest_output = 4 << 20;  // of a command; the rest is read and dropped
constexpr milliseconds k_kill_grace{500};

bool commands_are_killed_with_us = false;

/// Readable when the process has ended; -1 before Linux 5.3.
class ExitNotice {
 public:
  explicit ExitNotice(pid_t pid) : pidfd_(open_pidfd(pid)) {}

  /// Until the child has ended, or one of its pipes is ready, or `limit`.
  void wait(const PipedChild& child, steady_clock::time_point limit) const {
    std::array<pollfd, 4> watched{{{child.descriptor(PipedChild::out), POLLIN, 0},
                                   {child.descriptor(PipedChild::err), POLLIN, 0},
                                   {child.input_descriptor(), POLLOUT, 0},
                                   {pidfd_.get(), POLLIN, 0}}};
    auto left = std::max(std::chrono::ceil<milliseconds>(limit - steady_clock::now()), milliseconds(0));
    if (!pidfd_) left = std::min(left, k_exit_poll);
    ::poll(watched.data(), watched.size(), static_cast<int>(std::min(left, k_longest_poll).count()));
  }

 private:
  Descriptor pidfd_;
};

void read_output(PipedChild& child, Completed& completed) {
  const auto read = [&](PipedChild::Stream stream, std::string& sink) {
    const auto bytes = child.read(stream);
    if (sink.size() < k_largest_output) sink += bytes;
    return !bytes.empty() && sink.size() < k_largest_output;
  };
  while (read(PipedChild::out, completed.out)) continue;
  while (read(PipedChild::err, completed.err)) continue;
}

}  // namespace

void kill_commands_with_us() noexcept { commands_are_killed_with_us = true; }

std::optional<fs::path> find_in_path(const std::string& program) {
  const auto executable = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.empty()) return std::nullopt;
  if (program.find('/') != std::string::npos)
    return executable(program) ? std::optional<fs::path>(program) : std::nullopt;
  const char* path = std::getenv("PATH");
  for (const auto& directory : split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
    if (directory.empty() || directory.front() != '/') continue;  // never run a program from the working directory
    auto candidate = fs::path(directory) / program;
    if (executable(candidate.native())) return candidate;
  }
  // sshd and others are in directories that an ordinary user's PATH lacks.
  for (const char* directory : {"/usr/sbin/", "/sbin/"})
    if (executable(directory + program)) return fs::path(directory + program);
  return std::nullopt;
}

Result<Completed> run_command(const Command& command, milliseconds deadline) {
  // Its own session: Ctrl-C on our terminal must not interrupt a step of a plan, or its undo.
  HOLDFAST_TRY(auto child, PipedChild::start(command, commands_are_killed_with_us));
  Completed completed;
  const ExitNotice exit_notice(child.pid());
  auto limit = steady_clock::now() + deadline;
  // Waits for the process, not for its pipes, which a grandchild may keep open for ever.
  std::optional<int> exit_code;
  while (!(exit_code = child.exit_code())) {
    if (steady_clock::now() >= limit) {
      child.signal(completed.timed_out ? SIGKILL : SIGTERM);
      completed.timed_out = true;
      limit = steady_clock::now() + k_kill_grace;
    }
    exit_notice.wait(child, limit);
    child.write_input();
    read_output(child, completed);
  }
  read_output(child, completed);
  completed.exit_code = *exit_code;
  return completed;
}

Result<ProcessId> start_detached_process(const Detached& detached) {
  const fs::path sink = detached.out.empty() ? fs::path("/dev/null") : detached.out;
  const Descriptor out(::open(sink.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return errno_error("opening", sink.string(), errno);
  const auto lock = lock_forks();
  HOLDFAST_TRY(const pid_t pid,
               spawn(detached.command,
                     {.streams = {-1, out.get(), out.get()}, .setup = {.own_session = true}, .directory = "/"}));
  auto id = find_process(pid);
  if (!id) return Error{"starting", detached.command.argv.front(), "it ended at once", {}};
  return *id;
}

std::optional<ProcessId> find_process(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  const auto stat = slurp("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!stat) return std::nullopt;
  // The command name stands in parentheses and may hold any byte: fields are counted from the last ')'. proc(5)
  const auto close = stat->rfind(')');
  if (close == std::string::npos) return std::nullopt;
  const auto fields = split(trim(std::string_view(*stat).substr(close + 1)), ' ');
  constexpr std::size_t k_state = 0, k_start_time = 19;  // fields 3 and 22
  if (fields.size() <= k_start_time || fields[k_state] == "Z" || fields[k_state] == "X") return std::nullopt;
  return ProcessId{pid, std::strtoull(fields[k_start_time].c_str(), nullptr, 10), this_boot_id(), this_hostname()};
}

std::string this_boot_id() {
  static const std::string id = [] {
    const auto text = slurp("/proc/sys/kernel/random/boot_id", 128);
    return text ? std::string(trim(*text)) : std::string();
  }();
  return id;
}

std::string this_hostname() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer[0] == '\0') return "localhost";
  return buffer.data();
}

}  // namespace holdfast::os
