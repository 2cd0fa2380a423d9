#include "os/posix_host.hpp"

#include "core/text.hpp"
#include "os/file_lock.hpp"
#include "os/posix_files.hpp"
#include "os/posix_processes.hpp"
#include "os/unfinished_file.hpp"
#include "os/volatile_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>

namespace holdfast::os {
namespace {

constexpr std::chrono::milliseconds k_name_service_deadline{5000};

class PosixHost final : public Host {
 public:
  explicit PosixHost(fs::path program) : program_(std::move(program)) {}

  User user() const override {
    User user;
    user.uid = ::geteuid();
    user.gid = ::getegid();
    // $USER and $HOME may be wrong: sudo can keep the caller's HOME.
    if (const auto name = env("USER"); name && !name->empty()) user.name = *name;
    if (user.name.empty())
      if (const auto name = env("LOGNAME"); name && !name->empty()) user.name = *name;
    if (const auto home = env("HOME"); home && !home->empty() && home->front() == '/') user.home = *home;
    return user;
  }
  std::string hostname() const override { return this_hostname(); }
  std::string boot_id() const override { return this_boot_id(); }
  std::optional<std::string> env(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  }
  fs::path self() const override {
    if (!program_.empty()) return program_;
    std::array<char, 4096> buffer;
    const ssize_t size = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
    if (size <= 0) return {};
    std::string path(buffer.data(), static_cast<std::size_t>(size));
    // After an upgrade in place the kernel reports the old file as "… (deleted)"; the new one has the same name.
    constexpr std::string_view k_deleted = " (deleted)";
    if (path.size() > k_deleted.size() && path.ends_with(k_deleted)) path.resize(path.size() - k_deleted.size());
    return path;
  }
  fs::path working_directory() const override {
    std::array<char, 4096> buffer;
    return ::getcwd(buffer.data(), buffer.size()) != nullptr ? fs::path(buffer.data()) : fs::path("/");
  }
  Result<User> find_user(const std::string& name) const override;

  Result<std::string> read_file(const fs::path& path, std::size_t limit) const override {
    return read_whole_file(path, limit);
  }
  FileStatus status(const fs::path& path) const override { return file_status(path); }
  bool is_locked(const fs::path& path) const override { return os::is_locked(path); }
  std::vector<std::string> list(const fs::path& directory) const override { return list_directory(directory); }
  Result<> write_file(const fs::path& path, std::string_view bytes, mode_t mode) override {
    return write_file_atomically(path, bytes, mode, true);
  }
  Result<> write_volatile_file(const fs::path& path, std::string_view bytes, mode_t mode) override {
    return write_volatile(path, bytes, mode);
  }
  Result<> remove_file(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("removing", path.string(), errno);
    remove_unfinished(path);
    return {};
  }
  Result<std::vector<fs::path>> make_directories(const fs::path& directory, mode_t mode) override {
    return make_missing_directories(directory, mode);
  }
  Result<> remove_empty_directory(const fs::path& directory) override {
    if (::rmdir(directory.c_str()) != 0) return errno_error("removing", directory.string(), errno);
    return {};
  }
  Result<> remove_tree(const fs::path& directory) override { return remove_directory_tree(directory); }

  std::optional<fs::path> find_program(const std::string& program) const override { return find_in_path(program); }
  Result<Completed> run(const Command& command, std::chrono::milliseconds deadline) const override {
    return run_command(command, deadline);
  }
  Result<ProcessId> start_detached(const Detached& detached) override { return start_detached_process(detached); }
  std::optional<ProcessId> process(pid_t pid) const override { return find_process(pid); }
  std::string command_line(pid_t pid) const override {
    return slurp("/proc/" + std::to_string(pid) + "/cmdline", 1 << 17).value_or(std::string());
  }
  bool signal(const ProcessId& process, int signal_number) override {
    if (!is_alive(*this, process)) return false;
    const bool sent = ::kill(process.pid, signal_number) == 0;
    // Reaps a detached child of ours that has ended.
    ::waitpid(process.pid, nullptr, WNOHANG);
    return sent;
  }
  void sleep_for(std::chrono::milliseconds span) const override {
    timespec left{span.count() / 1000, (span.count() % 1000) * 1000000};
    ::nanosleep(&left, nullptr);  // a signal ends it early: an interrupted command reacts at once
  }
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
  std::chrono::sys_time<std::chrono::milliseconds> wall_now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

 private:
  fs::path program_;  // empty: our own executable
};

// getent(1) instead of getpwnam(3): a static glibc cannot load the modules of the name service.
Result<User> PosixHost::find_user(const std::string& name) const {
  const auto refuse = [&](std::string cause) { return Error{"looking up user", name, std::move(cause), {}}; };
  if (name.empty() || name.front() == '-' || has_control_bytes(name) || name.find(':') != std::string::npos)
    return usage_error("user \"" + name + "\"", "it is not a user name");
  HOLDFAST_TRY(const Completed answer,
               run_command({{"getent", "passwd", name}, std::nullopt, {}}, k_name_service_deadline));
  if (answer.timed_out) return refuse("the name service did not answer within 5 s");
  if (!answer.ok()) return refuse("there is no such user");
  const auto fields = split(trim(answer.out), ':');
  if (fields.size() < 7) return refuse("the answer of the name service cannot be parsed");
  const auto uid = parse_number(fields[2], 0, UINT32_MAX - 1);
  const auto gid = parse_number(fields[3], 0, UINT32_MAX - 1);
  if (!uid || !gid || fields[5].empty() || fields[5].front() != '/') return refuse("it has no uid or no home");
  return User{*uid, *gid, fields[0], fields[5]};
}

}  // namespace

bool is_alive(const Host& host, const ProcessId& process) {
  // Not by the host's name: DHCP, or hostnamectl(1), may change it while the process runs.
  if (process.pid <= 0 || process.boot_id != host.boot_id()) return false;
  const auto now = host.process(process.pid);
  return now && now->start_time == process.start_time;
}

bool wait_for_exit(const Host& host, const ProcessId& process, std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds k_poll{5};
  const auto deadline = host.now() + timeout;
  while (is_alive(host, process)) {
    if (host.now() >= deadline) return false;
    host.sleep_for(k_poll);
  }
  return true;
}

std::unique_ptr<Host> make_posix_host(fs::path program) { return std::make_unique<PosixHost>(std::move(program)); }

}  // namespace holdfast::os
