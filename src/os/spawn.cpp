#include "os/spawn.hpp"

#include "os/posix_files.hpp"
#include "os/posix_processes.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace holdfast::os {
namespace {

constexpr int k_first_free = 3;  // after stdin, stdout and stderr

// Process v2 relies on close_range(2), and does not notice that older kernels (4.18 in RHEL 8) lack it.
void close_descriptors_at_exec() noexcept {
  constexpr unsigned k_close_on_exec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
  if (::syscall(SYS_close_range, 3U, ~0U, k_close_on_exec) == 0) return;
  constexpr int k_highest = 4096;
  for (int number = k_first_free; number < k_highest; ++number) ::fcntl(number, F_SETFD, FD_CLOEXEC);
}

/// The child after fork: only async-signal-safe calls. Returns after a failure, with errno.
void become(const char* program, char* const* argv, char* const* environment, const SpawnOptions& options) noexcept {
  std::array<int, 3> sources{};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const int stream = options.streams[i] >= 0 ? options.streams[i] : ::open("/dev/null", O_RDWR | O_CLOEXEC);
    sources[i] = ::fcntl(stream, F_DUPFD_CLOEXEC, k_first_free);  // a source may be one of 0, 1 and 2
    if (sources[i] < 0) return;
  }
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (::dup2(sources[i], static_cast<int>(i)) < 0) return;
  if (options.directory != nullptr && ::chdir(options.directory) != 0) return;
  options.setup.apply();
  ::execve(program, argv, environment);
}

/// The errno of a child that could not exec; 0 after exec.
int exec_error(int report) noexcept {
  int error = 0;
  ssize_t got = 0;
  do got = ::read(report, &error, sizeof error);
  while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

}  // namespace

std::unique_lock<std::mutex> lock_forks() {
  static std::mutex k_mutex;
  return std::unique_lock(k_mutex);
}

void ChildSetup::apply() const noexcept {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  if (own_session) ::setsid();
  if (ends_with_us) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (killed_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  close_descriptors_at_exec();
}

EnvironmentBlock::EnvironmentBlock(const Environment& environment) {
  entries_.reserve(environment.size());
  for (const auto& [name, value] : environment) {
    std::string& entry = entries_.emplace_back(name);
    entry.append("=").append(value);
  }
  for (const auto& entry : entries_) pointers_.push_back(entry.c_str());
  pointers_.push_back(nullptr);
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

Result<pid_t> spawn(const Command& command, const SpawnOptions& options) {
  HOLDFAST_TRY(const fs::path program, resolve_program(command));
  std::vector<const char*> argv{program.c_str()};
  for (std::size_t i = 1; i < command.argv.size(); ++i) argv.push_back(command.argv[i].c_str());
  argv.push_back(nullptr);
  std::optional<EnvironmentBlock> block;
  if (command.environment) block.emplace(*command.environment);
  const char* const* environment = block ? block->data() : const_cast<const char* const*>(::environ);

  const auto failed = [&](int error) { return errno_error("starting", program.string(), error); };
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed(errno);
  const Descriptor reader(ends[0]);
  Descriptor writer(ends[1]);
  // No handler of ours runs in the child.
  sigset_t all, previous;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  const pid_t child = ::fork();
  if (child == 0) {
    const int report = ::fcntl(writer.get(), F_DUPFD_CLOEXEC, k_first_free);
    become(argv[0], const_cast<char* const*>(argv.data()), const_cast<char* const*>(environment), options);
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
    ::_exit(127);
  }
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  if (child < 0) return failed(fork_error);
  writer = Descriptor();
  if (const int error = exec_error(reader.get()); error != 0) {
    ::waitpid(child, nullptr, 0);
    return failed(error);
  }
  return child;
}

int exit_code_of(int wait_status) noexcept {
  if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
  return WEXITSTATUS(wait_status);
}

}  // namespace holdfast::os
