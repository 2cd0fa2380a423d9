#include "tunnels/import/legacy_tunnel.hpp"

#include "backends/host/crontab.hpp"
#include "backends/host/systemctl.hpp"
#include "core/text.hpp"
#include "os/replace_file.hpp"
#include "ssh/client/as_user.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <functional>

namespace holdfast::tunnels {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_command_timeout{30000};
constexpr milliseconds k_timeout{10000};
constexpr milliseconds k_poll{20};
constexpr std::size_t k_largest_file = 1 << 20;

class LegacyUnit final : public LegacyTunnel {
 public:
  LegacyUnit(std::string unit, std::optional<backends::Systemctl> manager, os::Host& host)
      : unit_(std::move(unit)), manager_(std::move(manager)), host_(host) {}

  Result<> stop() override {
    was_active_ = is_active();
    was_enabled_ = prints("is-enabled", {"enabled"});
    return was_active_ ? run("stop") : Result<>();
  }
  Result<> retire() override {
    (void)systemctl("reset-failed");  // autossh exits with 1 on SIGTERM, which systemd would report as failed
    if (!was_enabled_) return {};
    disabled_ = true;
    return run("disable");
  }
  std::vector<std::string> restore() override {
    std::vector<std::string> problems;
    const auto note = [&](const Result<>& done) {
      if (!done) problems.push_back(done.error().line());
    };
    if (disabled_) note(run("enable"));
    if (was_active_) note(start_again());
    return problems;
  }
  std::vector<std::string> plan() const override {
    return {"run systemctl stop " + unit_, "run systemctl disable " + unit_ + ", once the new tunnel is up"};
  }
  std::string undo_text() const override { return "systemctl enable --now " + unit_; }

 private:
  [[nodiscard]] Result<os::Completed> systemctl(const char* verb) const {
    if (!manager_) return Error{"running", "systemctl", "there is no user manager"};
    return host_.run(manager_->command({verb, unit_}), k_command_timeout);
  }
  [[nodiscard]] bool is_active() const { return prints("is-active", {"active", "activating", "reloading"}); }
  [[nodiscard]] Result<> start_again() const {
    HOLDFAST_CHECK(run("start"));
    if (is_active()) return {};
    return Error{"restarting", unit_, "it is not active", "systemctl status " + unit_};
  }
  [[nodiscard]] bool prints(const char* verb, std::initializer_list<std::string_view> expected) const {
    const auto done = systemctl(verb);
    return done && std::ranges::find(expected, trim(done->out)) != expected.end();
  }
  [[nodiscard]] Result<> run(const char* verb) const {
    HOLDFAST_TRY(const auto done, systemctl(verb));
    if (done.ok()) return {};
    return Error{std::string("running systemctl ") + verb, unit_,
                 done.timed_out ? "no answer within 30 s" : std::string(trim(done.err)), "systemctl status " + unit_};
  }

  std::string unit_;
  std::optional<backends::Systemctl> manager_;
  os::Host& host_;
  bool was_active_ = false;
  bool was_enabled_ = false;
  bool disabled_ = false;
};

/// The processes of `owner` that are autossh with the same ports and bastion.
std::vector<os::ProcessId> running_autossh(const AutosshCommand& command, const os::User& owner, const os::Host& host) {
  std::vector<os::ProcessId> found;
  for (const auto& entry : host.list("/proc")) {
    const auto pid = parse_number(entry, 1, 4194304);
    if (!pid || host.status(fs::path("/proc") / entry).owner != owner.uid) continue;
    auto argv = split(host.command_line(static_cast<pid_t>(*pid)), '\0');
    if (!argv.empty() && argv.back().empty()) argv.pop_back();
    if (argv.empty() || !names_autossh(argv.front())) continue;
    const auto read = read_autossh(argv);
    if (!read || !read->is_same_tunnel(command)) continue;
    if (auto process = host.process(static_cast<pid_t>(*pid))) found.push_back(std::move(*process));
  }
  return found;
}

/// True for a line that cron runs again and again; false for @reboot and for a start-up file.
bool is_periodic(const LegacyEntry& source) {
  const bool in_crontab = source.kind == LegacyEntry::Kind::crontab || source.kind == LegacyEntry::Kind::system_crontab;
  return in_crontab && !trim(source.text).starts_with("@reboot");
}

class LegacyLine final : public LegacyTunnel {
 public:
  LegacyLine(const LegacyEntry& source, TunnelName name, os::User owner, os::Host& host)
      : source_(source),
        name_(std::move(name)),
        owner_(std::move(owner)),
        host_(host),
        state_(source.interrupted ? LineState::replacing : LineState::active) {}

  // A line that cron runs at boot, or a shell at login, stays until its successor is verified: a power cut in between
  // costs no tunnel. cron would run a periodic line again meanwhile. After a power cut, the next import finds it.
  Result<> stop() override {
    if (is_periodic(source_) && state_ == LineState::active) HOLDFAST_CHECK(change_to(LineState::replacing));
    return end_processes();
  }
  Result<> retire() override { return change_to(LineState::replaced); }
  std::vector<std::string> restore() override {
    std::vector<std::string> problems;
    if (state_ != LineState::active)
      if (const auto done = change_to(LineState::active); !done) problems.push_back(done.error().line());
    if (ended_.empty()) return problems;
    if (const auto done = start_again(); !done) problems.push_back(done.error().line());
    return problems;
  }
  std::vector<std::string> plan() const override {
    std::vector<std::string> lines{fmt::format("edit {}: this becomes a comment:", source_.where)};
    for (const auto& line : split(trim(source_.text), '\n')) lines.push_back("  " + printable(line));
    for (const auto& process : running_autossh(*source_.command, owner_, host_))
      lines.push_back(fmt::format("end autossh (process {})", process.pid));
    return lines;
  }
  std::string undo_text() const override {
    return fmt::format("delete \"# holdfast has it (tunnel {}): \" in {}", name_.text(), source_.where);
  }

 private:
  [[nodiscard]] Result<std::string> read() const {
    if (!source_.file.empty()) return host_.read_file(source_.file, k_largest_file);
    HOLDFAST_TRY(const auto answer, backends::read_crontab(host_, k_command_timeout));
    return answer.text.value_or("");
  }

  /// Not from a saved copy: a backend may have edited the same file in between.
  Result<> change_to(LineState wanted) {
    HOLDFAST_TRY(const auto before, read());
    const auto after = with_lines(before, source_, name_, state_, wanted);
    if (!after) return Error{"changing", source_.where, "its line is gone", "run it again"};
    HOLDFAST_CHECK(swap(before, *after));
    state_ = wanted;
    return {};
  }

  /// Replaces the whole text, only if it still is `from`.
  Result<> swap(const std::string& from, const std::string& to) {
    const Error changed{"changing", source_.where, "another program changed it meanwhile", "run it again"};
    if (!source_.file.empty()) {
      HOLDFAST_TRY(const auto target, os::resolve_links(source_.file));
      HOLDFAST_TRY(const bool done, os::replace_file(target, from, to, 0600));
      return done ? Result<>() : changed;
    }
    const backends::EditCrontab step{name_, {}, backends::EditCrontab::Before{from, to}};
    HOLDFAST_TRY(const auto done, backends::edit_crontab(step, host_));
    return done ? Result<>() : changed;
  }

  Result<> end_processes() {
    for (const auto& process : running_autossh(*source_.command, owner_, host_))
      if (host_.signal(process, SIGTERM)) ended_.push_back(process);
    if (becomes_true([&] {
          return std::ranges::none_of(ended_, [&](const auto& process) { return os::is_alive(host_, process); });
        }))
      return {};
    return Error{"ending", "autossh", fmt::format("process {} is still running after 10 s", ended_.front().pid), ""};
  }

  [[nodiscard]] bool becomes_true(const std::function<bool()>& condition) const {
    for (milliseconds waited{0}; waited < k_timeout; waited += k_poll) {
      if (condition()) return true;
      host_.sleep_for(k_poll);
    }
    return false;
  }

  Result<> start_again() const {
    HOLDFAST_CHECK(run_line());
    const auto is_new = [&](const auto& process) { return std::ranges::find(ended_, process) == ended_.end(); };
    if (becomes_true([&] { return std::ranges::any_of(running_autossh(*source_.command, owner_, host_), is_new); }))
      return {};
    return Error{"restarting", "autossh", "no autossh process appeared within 10 s", ""};
  }

  /// Runs the line's command as cron or the shell would, in a session of its own.
  Result<> run_line() const {
    os::Command command{source_.start.argv};
    command.argv.insert(command.argv.begin(), source_.start.assignments.begin(), source_.start.assignments.end());
    // The bastion may still hold the port, and autossh exits when its first ssh fails within 30 s: autossh(1).
    command.argv.insert(command.argv.begin(), "AUTOSSH_GATETIME=0");
    if (owner_.uid != host_.user().uid)  // the environment that cron sets: crontab(5)
      command.argv.insert(command.argv.begin(), {"-i", "HOME=" + owner_.home.string(), "LOGNAME=" + owner_.name,
                                                 "USER=" + owner_.name, "PATH=/usr/bin:/bin", "SHELL=/bin/sh"});
    command.argv.insert(command.argv.begin(), "env");
    HOLDFAST_TRY(command, ssh::command_as(host_, owner_, std::move(command)));
    if ((*source_.command).in_background) {
      HOLDFAST_TRY(const auto done, host_.run(command, k_command_timeout));
      return done.ok() ? Result<>() : Error{"restarting", "autossh", std::string(trim(done.err)), ""};
    }
    HOLDFAST_CHECK(host_.start_detached(os::Detached{std::move(command), {}}));
    return {};
  }

  const LegacyEntry& source_;
  TunnelName name_;
  os::User owner_;
  os::Host& host_;
  LineState state_;
  std::vector<os::ProcessId> ended_;
};

}  // namespace

std::unique_ptr<LegacyTunnel> make_legacy_tunnel(const LegacyEntry& source, const TunnelName& name, Scope scope,
                                                 os::User owner, os::Host& host) {
  if (source.kind != LegacyEntry::Kind::unit) return std::make_unique<LegacyLine>(source, name, std::move(owner), host);
  return std::make_unique<LegacyUnit>(
      source.where,
      scope == Scope::system ? std::optional(backends::Systemctl::of_machine(host)) : backends::user_manager(host),
      host);
}

}  // namespace holdfast::tunnels
