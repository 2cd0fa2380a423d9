#include "backends/host/stop_mark.hpp"
#include "backends/pidfile.hpp"
#include "backends/registry.hpp"
#include "backends/terminal_session.hpp"
#include "backends/text/login_hook_text.hpp"

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_deadline{10000};

fs::path pidfile_of(const Job& job) { return store::runtime_files(job.name, job.runtime_dir).pidfile; }

/// A server for each tunnel: the end of one, by whatever hand, is not the end of another.
fs::path socket_of(const TunnelName& name, const fs::path& directory) { return directory / (name.text() + ".tmux"); }

/// tmux takes "." and ":" in a target for the marks of a pane and a window, and turns them into "_" in a name.
std::string session_name(const TunnelName& name) {
  std::string session = "holdfast-" + name.text();
  std::ranges::replace(session, '.', '_');
  return session;
}

/// tmux at that socket and at no other, without the user's configuration.
os::Command tmux(const fs::path& socket, std::vector<std::string> words, const os::Host& host) {
  std::vector<std::string> argv{"tmux", "-S", socket.string(), "-f", "/dev/null"};
  argv.insert(argv.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  return os::Command{std::move(argv), session_environment(host), {}};
}

std::vector<std::string> new_session(const TunnelName& name, const std::vector<std::string>& command) {
  // More than one word: tmux runs them as they are, without a shell.
  std::vector<std::string> words{"new-session",      "-d", "-P", "-F", "#{pane_pid}", "-s",
                                 session_name(name), "-c", "/",  "--"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

/// Ends the server, with all that runs in it, if its socket is there.
Plan end_server(const fs::path& socket, const os::Host& host) {
  Plan plan;
  if (host.status(socket).kind != os::FileKind::socket || !is_private_directory(socket.parent_path(), host))
    return plan;
  plan.emplace_back(Run{tmux(socket, {"kill-server"}, host), {}, true, k_deadline});
  plan.emplace_back(RemoveFile{socket});
  return plan;
}

void append(Plan& plan, Plan more) {
  plan.insert(plan.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// A detached session on a server of the tunnel's own.
class Tmux final : public Backend {
 public:
  std::string_view name() const noexcept override { return "tmux"; }
  Scope scope() const noexcept override { return Scope::user; }
  bool restarts_job() const noexcept override { return false; }

  Fitness assess(const os::Host& host) const override {
    if (!host.find_program("tmux"))
      return {Fitness::Grade::unavailable, {}, "there is no tmux here", "sudo apt-get install tmux"};
    return session_fitness("a detached tmux session", host);
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    return with_login_hook(session_survives(pidfile_of(job), host), job.paths, host);
  }

  // A server that starts, in the very place, and opens a session for this very program.
  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    auto failback_probe = job;
    failback_probe.argv = {job.argv.front(), "version"};
    HOLDFAST_TRY(const auto command, in_clean_environment(failback_probe, host));
    const auto socket = socket_of(job.name, proving_directory(host) / "proof");
    return Plan{MakeDirectory{socket.parent_path(), 0700},
                Run{tmux(socket, new_session(job.name, command), host), {}, false, k_deadline},
                Run{tmux(socket, {"kill-server"}, host), {}, true, k_deadline}, RemoveFile{socket},
                RemoveEmptyDirectory{socket.parent_path()}};
  }

  Result<Plan> install(const Job&, const os::Host&) const override { return Plan{}; }

  // Stop has ended the server and taken its socket away.
  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host&) const override {
    return Plan{RemoveFile{stop_mark_file(tunnel, paths)}};
  }

  Result<Plan> start(const Job& job, const os::Host& host) const override {
    Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}};
    if (running_process(host, pidfile_of(job))) return plan;
    // A session outlives its supervisor when a person has opened another window in it.
    append(plan, end_server(socket_of(job.name, job.runtime_dir), host));
    HOLDFAST_TRY(auto step, start_step(job, host));
    plan.push_back(std::move(step));
    return plan;
  }

  Result<Plan> stop(const Job& job, const os::Host& host) const override {
    Plan plan{leave_stop_mark(job.name, job.paths, host), Terminate{pidfile_of(job)}};
    append(plan, end_server(socket_of(job.name, job.runtime_dir), host));
    return plan;
  }

  Result<Plan> restart(const Job& job, const os::Host& host) const override {
    Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}, Terminate{pidfile_of(job)}};
    append(plan, end_server(socket_of(job.name, job.runtime_dir), host));
    HOLDFAST_TRY(auto step, start_step(job, host));
    plan.push_back(std::move(step));
    return plan;
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    return query_pidfiles(jobs, host);
  }

 private:
  static Result<Step> start_step(const Job& job, const os::Host& host) {
    HOLDFAST_TRY(const auto command, in_clean_environment(job, host));
    auto start = tmux(socket_of(job.name, job.runtime_dir), new_session(job.name, command), host);
    Run run{outliving_login(std::move(start), host), {}, false, k_deadline};
    run.pidfile = pidfile_of(job);
    return Step(std::move(run));
  }
};

}  // namespace

const Backend& tmux_backend() {
  static const Tmux backend;
  return backend;
}

}  // namespace holdfast::backends
