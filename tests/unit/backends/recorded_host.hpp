// A fake Host with the files and command results that a test sets. Plans are made against it; it cannot be changed.
#pragma once

#include "core/error.hpp"
#include "os/host.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

namespace fs = boost::filesystem;

class RecordedHost : public os::Host {
 public:
  os::User me{1000, 1000, "ann", "/home/ann"};
  os::Environment environment{
      {"HOME", "/home/ann"}, {"USER", "ann"}, {"LOGNAME", "ann"}, {"PATH", "/usr/local/bin:/usr/bin:/bin"}};

  void put(const fs::path& path, std::string bytes, mode_t mode = 0644, std::optional<uid_t> owner = {}) {
    entries_[path] = Entry{os::FileStatus{os::FileKind::regular, mode, owner.value_or(me.uid), bytes.size(), me.gid},
                           std::move(bytes)};
  }
  void put_directory(const fs::path& path, mode_t mode = 0755, std::optional<uid_t> owner = {}) {
    entries_[path] = Entry{os::FileStatus{os::FileKind::directory, mode, owner.value_or(me.uid), 0, me.gid}, {}};
  }
  void put_special(const fs::path& path, os::FileKind kind) {
    entries_[path] = Entry{os::FileStatus{kind, 0777, me.uid, 0, me.gid}, {}};
  }
  void forget(const fs::path& path) { entries_.erase(path); }

  /// A running user manager, and the programs that query it.
  void put_user_manager() {
    for (const char* program : {"systemctl", "systemd-run", "loginctl", "busctl", "pkcheck"}) put_program(program);
    put_directory("/run/user/1000", 0700);
    put_special("/run/user/1000/systemd/private", os::FileKind::socket);
    put_special("/run/user/1000/bus", os::FileKind::socket);
    answer("systemctl --user show --property=Version --value", "252\n");
  }
  void put_program(const std::string& name) { entries_[fs::path("/usr/bin") / name] = Entry{}; }

  /// The result of commands that begin with `words`. The latest matching call counts.
  void answer(const std::string& words, std::string out, int exit_code = 0) {
    answers_.emplace_back(words, os::Completed{exit_code, false, std::move(out), {}});
  }
  void answer(const std::string& words, os::Completed completed) { answers_.emplace_back(words, std::move(completed)); }

  /// A file that a running process keeps locked, as daemons do with their pidfiles.
  void put_locked(const fs::path& path) {
    put(path, "4\n", 0644, 0);
    locked_.insert(path);
  }
  void unlock(const fs::path& path) { locked_.erase(path); }

  void put_process(const os::ProcessId& process) { processes_[process.pid] = process; }

  os::User user() const override { return me; }
  std::string hostname() const override { return "ws"; }
  std::string boot_id() const override { return "0e2c8c5e"; }
  std::optional<std::string> env(const std::string& name) const override {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  }
  fs::path self() const override { return "/home/ann/.local/bin/holdfast"; }
  fs::path working_directory() const override { return me.home; }
  Result<os::User> find_user(const std::string& name) const override {
    return Error{"looking up the user", name, "there is none"};
  }

  Result<std::string> read_file(const fs::path& path, std::size_t) const override {
    const auto found = entries_.find(path);
    if (found == entries_.end()) return errno_error("reading", path.string(), ENOENT);
    return found->second.bytes;
  }
  os::FileStatus status(const fs::path& path) const override {
    const auto found = entries_.find(path);
    return found == entries_.end() ? os::FileStatus{} : found->second.status;
  }
  bool is_locked(const fs::path& path) const override { return locked_.contains(path); }
  std::vector<std::string> list(const fs::path& directory) const override {
    std::vector<std::string> names;
    for (const auto& [path, entry] : entries_)
      if (path.parent_path() == directory) names.push_back(path.filename().string());
    return names;
  }
  std::optional<fs::path> find_program(const std::string& program) const override {
    const auto path = program.starts_with('/') ? fs::path(program) : fs::path("/usr/bin") / program;
    return entries_.contains(path) ? std::optional(path) : std::nullopt;
  }
  Result<os::Completed> run(const os::Command& command, std::chrono::milliseconds) const override {
    const auto words = fmt::format("{}", fmt::join(command.argv, " "));
    for (auto row = answers_.rbegin(); row != answers_.rend(); ++row)
      if (words.starts_with(row->first)) return row->second;
    return os::Completed{1, false, {}, "not recorded: " + words};
  }
  std::optional<os::ProcessId> process(pid_t pid) const override {
    const auto found = processes_.find(pid);
    return found == processes_.end() ? std::nullopt : std::optional(found->second);
  }
  std::string command_line(pid_t) const override { return {}; }
  void sleep_for(std::chrono::milliseconds) const override {}
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::chrono::sys_time<std::chrono::milliseconds> wall_now() const override { return {}; }

  Result<> write_file(const fs::path& path, std::string_view, mode_t) override { return on_paper(path); }
  Result<> write_volatile_file(const fs::path& path, std::string_view, mode_t) override { return on_paper(path); }
  Result<> remove_file(const fs::path& path) override { return on_paper(path); }
  Result<std::vector<fs::path>> make_directories(const fs::path& path, mode_t) override { return on_paper(path); }
  Result<> remove_empty_directory(const fs::path& path) override { return on_paper(path); }
  Result<> remove_tree(const fs::path& path) override { return on_paper(path); }
  Result<os::ProcessId> start_detached(const os::Detached&) override { return on_paper({}); }
  bool signal(const os::ProcessId&, int) override { return false; }

 private:
  struct Entry {
    os::FileStatus status{os::FileKind::regular, 0755, 0, 0, 0};
    std::string bytes = {};
  };
  static Error on_paper(const fs::path& path) { return Error{"changing", path.string(), "this host is on paper"}; }

  std::map<fs::path, Entry> entries_;
  std::vector<std::pair<std::string, os::Completed>> answers_;
  std::map<pid_t, os::ProcessId> processes_;
  std::set<fs::path> locked_;
};

}  // namespace holdfast::test
