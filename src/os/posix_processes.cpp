#include "os/posix_processes.hpp"

#include "core/text.hpp"
#include "os/launch.hpp"
#include "os/posix_files.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace holdfast::os {

namespace asio = boost::asio;
namespace process_v2 = boost::process::v2;

namespace {

constexpr std::size_t k_largest_output = 4 << 20;  // of a command; the rest is read and dropped
constexpr std::chrono::milliseconds k_kill_grace{500};

bool commands_are_killed_with_us = false;

const char* const* environ_of(const std::optional<EnvironmentBlock>& block) {
  return block ? block->data() : const_cast<const char* const*>(::environ);
}

// Reads a pipe to its end into `sink`.
struct Drain {
  asio::readable_pipe pipe;
  std::string* sink;
  std::array<char, 8192> buffer{};

  void next() {
    pipe.async_read_some(asio::buffer(buffer), [this](const boost::system::error_code& error, std::size_t size) {
      if (sink->size() < k_largest_output) sink->append(buffer.data(), size);
      if (!error) next();
    });
  }
};

// Ends process `pid` when `timer` expires: SIGTERM, then SIGKILL.
void end_at_deadline(asio::steady_timer& timer, pid_t pid, Completed& completed) {
  timer.async_wait([&timer, pid, &completed](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    completed.timed_out = true;
    ::kill(pid, SIGTERM);
    timer.expires_after(k_kill_grace);
    timer.async_wait([pid](const boost::system::error_code& again) {
      if (!again) ::kill(pid, SIGKILL);
    });
  });
}

}  // namespace

void kill_commands_with_us() noexcept { commands_are_killed_with_us = true; }

void close_descriptors_at_exec() noexcept {
  constexpr unsigned k_close_on_exec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
  if (::syscall(SYS_close_range, 3U, ~0U, k_close_on_exec) == 0) return;
  constexpr int k_highest = 4096;
  for (int number = 3; number < k_highest; ++number) ::fcntl(number, F_SETFD, FD_CLOEXEC);
}

void reap_failed_start(int pid) noexcept {
  if (pid > 0) ::waitpid(pid, nullptr, 0);
}

int exit_code_of(int wait_status) noexcept {
  if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
  return WEXITSTATUS(wait_status);
}

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

Result<fs::path> resolve_program(const Command& command) {
  if (command.argv.empty()) return Error{"starting", "a command", "its argument list is empty", {}};
  for (const auto& argument : command.argv)
    if (argument.find('\0') != std::string::npos)
      return Error{"starting", command.argv[0], "an argument holds a NUL byte", {}};
  const auto program = find_in_path(command.argv[0]);
  if (!program) return Error{"starting", command.argv[0], "there is no such program", {}};
  return *program;
}

Result<Completed> run_command(const Command& command, std::chrono::milliseconds deadline) {
  HOLDFAST_TRY(const fs::path program, resolve_program(command));
  asio::io_context context;
  Completed completed;
  Drain out{asio::readable_pipe(context), &completed.out, {}};
  Drain err{asio::readable_pipe(context), &completed.err, {}};
  asio::writable_pipe input(context);

  std::optional<EnvironmentBlock> block;
  if (command.environment) block.emplace(*command.environment);
  process_v2::posix::default_launcher launcher;
  launcher.env = environ_of(block);
  boost::system::error_code error;
  const bool with_input = !command.input.empty();
  // Its own session: Ctrl-C on our terminal must not interrupt a step of a plan, or its undo.
  const auto hygiene = [] { return ChildHygiene{.own_session = true, .killed_with_us = commands_are_killed_with_us}; };
  auto child = with_input ? launcher(context.get_executor(), error, program, tail(command.argv),
                                     process_v2::process_stdio{input, out.pipe, err.pipe}, hygiene())
                          : launcher(context.get_executor(), error, program, tail(command.argv),
                                     process_v2::process_stdio{nullptr, out.pipe, err.pipe}, hygiene());
  if (error) {
    reap_failed_start(launcher.pid);
    return Error{"starting", program.string(), errno_text(error.value()), {}};
  }
  out.next();
  err.next();
  if (with_input)
    asio::async_write(input, asio::buffer(command.input),
                      [&](const boost::system::error_code&, std::size_t) { input.close(); });

  // Waits for the process, not for its pipes, which a grandchild may keep open for ever.
  asio::steady_timer timer(context, deadline);
  end_at_deadline(timer, child.id(), completed);
  child.async_wait([&](const boost::system::error_code&, int) {
    completed.exit_code = exit_code_of(child.native_exit_code());
    timer.cancel();
    context.stop();
  });
  context.run();
  // Reads what the pipes still contain.
  context.restart();
  context.poll();
  return completed;
}

Result<ProcessId> start_detached_process(const Detached& detached) {
  HOLDFAST_TRY(const fs::path program, resolve_program(detached.command));
  const fs::path sink = detached.out.empty() ? fs::path("/dev/null") : detached.out;
  const int out = ::open(sink.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (out < 0) return errno_error("opening", sink.string(), errno);
  asio::io_context context;
  std::optional<EnvironmentBlock> block;
  if (detached.command.environment) block.emplace(*detached.command.environment);
  process_v2::posix::default_launcher launcher;
  launcher.env = environ_of(block);
  boost::system::error_code error;
  auto child = launcher(context.get_executor(), error, program, tail(detached.command.argv),
                        process_v2::process_stdio{nullptr, out, out}, process_v2::process_start_dir{"/"},
                        ChildHygiene{.own_session = true});
  ::close(out);
  if (error) {
    reap_failed_start(launcher.pid);
    return Error{"starting", program.string(), errno_text(error.value()), {}};
  }
  const pid_t pid = child.id();
  child.detach();
  auto id = find_process(pid);
  if (!id) return Error{"starting", program.string(), "it ended at once", {}};
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
