#include "backends/host/logind.hpp"
#include "cli/commands.hpp"
#include "cli/commands/demo_bastion.hpp"
#include "cli/interruption.hpp"
#include "cli/output/terminal_observer.hpp"
#include "core/text.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/control.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/setup/setup.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_use_deadline{15000};
constexpr milliseconds k_recovery_deadline{30000};

milliseconds since(std::chrono::steady_clock::time_point begin, const os::Host& host) {
  return std::chrono::duration_cast<milliseconds>(host.now() - begin);
}

Error demo_error(std::string subject, std::string cause, std::string hint = {}) {
  return Error{"showing", std::move(subject), std::move(cause), std::move(hint)};
}

class Demo {
 public:
  Demo(Context& context, DemoBastion& bastion) : context_(context), host_(context.host), bastion_(bastion) {}

  Result<> show() {
    was_lingering_ = backends::is_lingering(host_, host_.user());
    HOLDFAST_CHECK(isolate());
    auto shown = steps();
    // Also after a failure or Ctrl-C.
    if (auto removed = remove(); !removed && shown) return std::move(removed).error();
    return shown;
  }

  /// Call it after the bastion has ended.
  Result<> check_nothing_is_left() const {
    std::vector<fs::path> left;
    for (const auto& path : traces_)
      if (host_.status(path).kind != os::FileKind::missing) left.push_back(path);
    if (!left.empty()) return demo_error("that nothing is left behind", left.front().string() + " still exists");
    for (const auto& process : processes_)
      if (os::is_alive(host_, process))
        return demo_error("that nothing is left behind", fmt::format("process {} is still running", process.pid));
    if (backends::is_lingering(host_, host_.user()) != was_lingering_)
      return demo_error("that nothing is left behind", "linger was changed");
    return {};
  }

 private:
  Result<> steps() {
    HOLDFAST_CHECK(set_up());
    HOLDFAST_CHECK(use("used"));
    HOLDFAST_CHECK(break_and_watch());
    return use("used again");
  }

  /// Uses directories of its own, unless the backend is systemd-user: a user manager reads units only from ~/.config.
  Result<> isolate() const {
    for (const auto& assessed : backends::rank(Scope::user, host_, {}))
      if (assessed.backend->name() == "systemd-user" && assessed.fitness.grade != backends::Fitness::Grade::unavailable)
        return {};
    const auto own = [&](const char* name) { return (bastion_.directory() / name).string(); };
    ::setenv("XDG_CONFIG_HOME", own("config").c_str(), 1);
    ::setenv("XDG_STATE_HOME", own("state").c_str(), 1);
    return {};
  }

  Result<tunnels::SetupRequest> request() const {
    HOLDFAST_TRY(
        auto name,
        TunnelName::parse("demo-" + bastion_.directory().string().substr(bastion_.directory().string().size() - 6)));
    HOLDFAST_TRY(auto to, Destination::parse(fmt::format("{}@127.0.0.1:{}", bastion_.user(), bastion_.port())));
    HOLDFAST_TRY(auto forward, Forward::parse(fmt::format("{}:127.0.0.1:{}", bastion_.tunnel_port(), bastion_.port())));
    tunnels::SetupRequest request{std::move(name), std::move(to), {std::move(forward)}, bastion_.key()};
    // Overrides settings of the user's ssh_config for all hosts.
    for (const auto& text :
         {"UserKnownHostsFile=\"" + bastion_.known_hosts().string() + "\"", std::string("ProxyJump=none"),
          std::string("ProxyCommand=none"), std::string("IdentityAgent=none")}) {
      HOLDFAST_TRY(auto option, SshOption::parse(text));
      request.ssh_options.push_back(std::move(option));
    }
    HOLDFAST_TRY(request.paths, store::paths(Scope::user, host_));
    request.run_as = host_.user();
    return request;
  }

  Result<> set_up() {
    HOLDFAST_TRY(const auto wanted, request());
    paths_ = wanted.paths;
    TerminalObserver observer(context_.terminal);
    auto done = tunnels::run_setup(wanted, host_, observer);
    if (!done) {
      auto error = std::move(done).error();
      const auto log = host_.read_file(bastion_.directory() / "log");
      if (log && log->find("account is locked") != std::string::npos) {
        error.cause = "the password of your account is locked, and an sshd without PAM then refuses every key";
        error.hint = "run the demo as another user";
      }
      return error;
    }
    tunnel_ = done->tunnel;
    record_traces();
    step(fmt::format("tunnel up: the bastion's port {} is forwarded to here", bastion_.tunnel_port()),
         fmt::format("verified end to end in {} ms", done->took.count()));
    return {};
  }

  Result<> use(const std::string& label) {
    HOLDFAST_CHECK(Interruption::check());
    const auto word = fmt::format("kelp-{}", host_.now().time_since_epoch().count() % 1000000);
    const auto begin = host_.now();
    HOLDFAST_TRY(const auto done, bastion_.run_ssh(bastion_.tunnel_port(), {"echo", word}, k_use_deadline));
    HOLDFAST_CHECK(Interruption::check());
    if (!done.ok() || done.out.find(word) == std::string::npos)
      return demo_error("a login through the tunnel",
                        done.timed_out ? "no answer within 15 s" : "ssh said: " + std::string(trim(done.err)));
    step(label + ": ssh through the tunnel printed " + word, fmt::format("in {} ms", since(begin, host_).count()));
    return {};
  }

  Result<> break_and_watch() {
    HOLDFAST_CHECK(Interruption::check());
    const auto& directory = *(*tunnel_)->runtime_dir;
    const auto before = tunnels::read_live(directory, (*tunnel_)->name, paths_, host_);
    if (!before || !before->ssh) return demo_error("a failure", "the tunnel has no ssh to kill");
    const auto begin = host_.now();
    host_.signal(*before->ssh, SIGKILL);
    step(fmt::format("broken: its ssh (process {}) killed", before->ssh->pid), "");
    for (;;) {
      HOLDFAST_CHECK(Interruption::check());
      const auto live = tunnels::read_live(directory, (*tunnel_)->name, paths_, host_);
      if (live && live->ssh && live->ssh != before->ssh && live->state == store::TunnelState::up && live->verified) {
        processes_.push_back(*live->ssh);
        step(fmt::format("recovered: new ssh (process {}), verified end to end", live->ssh->pid),
             fmt::format("{} ms after the kill", since(begin, host_).count()));
        return {};
      }
      if (since(begin, host_) > k_recovery_deadline)
        return demo_error("a recovery", "the tunnel was not up within 30 s",
                          "holdfast logs " + (*tunnel_)->name.text());
      host_.sleep_for(milliseconds(2));
    }
  }

  Result<> remove() {
    if (!tunnel_) return {};
    const auto& name = (*tunnel_)->name;
    const auto jobs = tunnels::installed_jobs_of({name, *tunnel_}, paths_, host_);
    HOLDFAST_CHECK(tunnels::stop_installed_jobs(jobs, host_));
    std::vector<std::string> report;
    HOLDFAST_CHECK(tunnels::remove_installation(name, jobs, paths_, host_, report));
    for (const auto& line : report) context_.terminal.detail(line);
    step("tunnel removed", "");
    return {};
  }

  void record_traces() {
    const auto& name = (*tunnel_)->name;
    const auto runtime = store::runtime_files(name, *(*tunnel_)->runtime_dir);
    traces_ = {bastion_.directory(),
               paths_.tunnel_file(name),
               paths_.state_file(name, "log"),
               paths_.state_file(name, "history"),
               paths_.state_file(name, "uptime"),
               paths_.state_file(name, "processes"),
               runtime.control,
               runtime.live,
               runtime.lock,
               runtime.next,
               runtime.pidfile,
               host_.user().home / ".config/systemd/user" / ("holdfast-" + name.text() + ".service")};
    if (const auto live = tunnels::read_live(runtime.directory, name, paths_, host_)) {
      processes_.push_back(live->supervisor);
      if (live->ssh) processes_.push_back(*live->ssh);
    }
  }

  void step(const std::string& text, const std::string& figure) { context_.terminal.step_done(text, figure); }

  Context& context_;
  os::Host& host_;
  DemoBastion& bastion_;
  store::Paths paths_;
  std::optional<Tunnel> tunnel_;
  bool was_lingering_ = false;
  std::vector<fs::path> traces_;
  std::vector<os::ProcessId> processes_;
};

Result<ExitStatus> show_demo(Context& context, const Arguments&) {
  const Interruption guard;
  if (context.host.user().uid == 0)
    context.terminal.note("running as root: the tunnel of the demo runs as root too, and leads to this machine only");
  HOLDFAST_TRY(auto bastion, DemoBastion::start(context.host));
  context.terminal.step_done("private bastion: an sshd with its own keys", fmt::format("127.0.0.1:{}", bastion.port()));
  Demo demo(context, bastion);
  auto shown = demo.show();
  auto stopped = bastion.stop();
  HOLDFAST_CHECK(shown);
  HOLDFAST_CHECK(stopped);
  HOLDFAST_CHECK(demo.check_nothing_is_left());
  context.terminal.step_done("nothing left behind: no file, no process, no unit", "");
  context.terminal.answer("the demo is done: every step worked");
  return ExitStatus::done;
}

}  // namespace

const Command& demo_command() {
  static const Command command{
      .name = "demo",
      .synopsis = "",
      .summary = "set up, break and remove a tunnel on this machine alone",
      .description =
          "Starts a private bastion (a real sshd on loopback, with its own keys), sets up a real tunnel to it with "
          "the most durable backend, uses it, kills its ssh, waits until it has recovered, and removes everything. It "
          "needs sshd, but neither root nor systemd.\n"
          "The exit status is 0 only when every step worked.",
      .scoped = false,
      .run = show_demo};
  return command;
}

}  // namespace holdfast::cli
