// A Host that changes nothing, runs no command twice, and limits the time of all commands together.
#pragma once

#include "os/host.hpp"

#include <chrono>
#include <map>
#include <optional>

namespace holdfast::os {

/// A read-only view of another Host. Runs each command once and remembers its result: the status of 200 tunnels queries
/// logind once. Every operation that would change the host is an Error.
class ReadOnlyHost final : public Host {
 public:
  /// `timeout` limits all commands together, from now on. Commands after that count as timed out and are not started.
  /// Without it only each command's own deadline applies.
  explicit ReadOnlyHost(const Host& host, std::optional<std::chrono::milliseconds> timeout = {});

  [[nodiscard]] User user() const override { return host_.user(); }
  [[nodiscard]] std::string hostname() const override { return host_.hostname(); }
  [[nodiscard]] std::string boot_id() const override { return host_.boot_id(); }
  [[nodiscard]] std::optional<std::string> env(const std::string& name) const override { return host_.env(name); }
  [[nodiscard]] fs::path self() const override { return host_.self(); }
  [[nodiscard]] fs::path working_directory() const override { return host_.working_directory(); }
  [[nodiscard]] Result<User> find_user(const std::string& name) const override { return host_.find_user(name); }

  [[nodiscard]] Result<std::string> read_file(const fs::path& path, std::size_t limit) const override {
    return host_.read_file(path, limit);
  }
  [[nodiscard]] FileStatus status(const fs::path& path) const override { return host_.status(path); }
  [[nodiscard]] bool is_locked(const fs::path& path) const override { return host_.is_locked(path); }
  [[nodiscard]] std::vector<std::string> list(const fs::path& directory) const override {
    return host_.list(directory);
  }
  [[nodiscard]] std::optional<fs::path> find_program(const std::string& program) const override {
    return host_.find_program(program);
  }
  [[nodiscard]] Result<Completed> run(const Command& command, std::chrono::milliseconds deadline) const override;
  [[nodiscard]] std::optional<ProcessId> process(pid_t pid) const override { return host_.process(pid); }
  [[nodiscard]] std::string command_line(pid_t pid) const override { return host_.command_line(pid); }
  void sleep_for(std::chrono::milliseconds span) const override { host_.sleep_for(span); }
  [[nodiscard]] std::chrono::steady_clock::time_point now() const override { return host_.now(); }
  [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> wall_now() const override { return host_.wall_now(); }

  [[nodiscard]] Result<> write_file(const fs::path& path, std::string_view bytes, mode_t mode) override;
  [[nodiscard]] Result<> write_volatile_file(const fs::path& path, std::string_view bytes, mode_t mode) override;
  [[nodiscard]] Result<> remove_file(const fs::path& path) override;
  [[nodiscard]] Result<std::vector<fs::path>> make_directories(const fs::path& directory, mode_t mode) override;
  [[nodiscard]] Result<> remove_empty_directory(const fs::path& directory) override;
  [[nodiscard]] Result<> remove_tree(const fs::path& directory) override;
  [[nodiscard]] Result<ProcessId> start_detached(const Detached& detached) override;
  bool signal(const ProcessId& process, int signal_number) override;

 private:
  const Host& host_;
  std::optional<std::chrono::steady_clock::time_point> end_;
  mutable std::map<std::string, Result<Completed>> answers_;  ///< by command
};

}  // namespace holdfast::os
