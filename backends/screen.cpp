#include "backends/host/stop_mark.hpp"
#include "backends/pidfile.hpp"
#include "backends/registry.hpp"
#include "backends/terminal_session.hpp"
#include "backends/text/login_hook_text.hpp"

#include <fmt/format.h>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_deadline{10000};
constexpr std::size_t k_longest_socket = 107;  // unix(7): 108 bytes with their end
constexpr std::size_t k_longest_pid = 7;

fs::path pidfile_of(const Job& job) { return store::runtime_files(job.name, job.runtime_dir).pidfile; }

/// Where the sockets of our sessions are, PID.holdfast-NAME each: away from the user's own.
fs::path session_directory(const fs::path& runtime_dir) { return runtime_dir / "screen"; }

std::string session_name(const TunnelName& name) { return "holdfast-" + name.text(); }

/// screen with that socket directory and without anybody's configuration.
os::Command screen(const fs::path& sessions, std::vector<std::string> words, const os::Host& host) {
  std::vector<std::string> argv{"screen", "-c", "/dev/null"};
  argv.insert(argv.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  auto environment = session_environment(host);
  environment["SCREENDIR"] = sessions.string();
  environment["SYSSCREENRC"] = "/dev/null";
  return os::Command{std::move(argv), std::move(environment), {}};
}

/// -D -m: detached, and this very process is the session; it ends with its last window.
std::vector<std::string> new_session(const std::string& session, const std::vector<std::string>& command) {
  std::vector<std::string> words{"-D", "-m", "-S", session};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

Result<> check_length(const TunnelName& name, const fs::path& sessions) {
  const auto length = sessions.size() + 1 + k_longest_pid + 1 + session_name(name).size();
  if (length <= k_longest_socket) return {};
  return Error{
      "starting", "screen session " + session_name(name),
      fmt::format("its socket's path would have {} bytes, and {} are all it may have", length, k_longest_socket),
      "give the tunnel a shorter name with -n"};
}

/// The sockets of a session that is gone. A session's socket is found by its whole name, never by a prefix.
Plan clear_sockets(const Job& job, const os::Host& host) {
  Plan plan;
  const auto sessions = session_directory(job.runtime_dir);
  if (!is_private_directory(sessions, host)) return plan;
  for (const auto& entry : host.list(sessions)) {
    const auto dot = entry.find('.');
    if (dot != std::string::npos && entry.substr(dot + 1) == session_name(job.name))
      plan.emplace_back(RemoveFile{sessions / entry});
  }
  plan.emplace_back(RemoveEmptyDirectory{sessions});
  return plan;
}

void append(Plan& plan, Plan more) {
  plan.insert(plan.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// A detached session: one process of screen, whose pid is noted.
class Screen final : public Backend {
 public:
  std::string_view name() const noexcept override { return "screen"; }
  Scope scope() const noexcept override { return Scope::user; }
  bool restarts_job() const noexcept override { return false; }

  Fitness assess(const os::Host& host) const override {
    if (!host.find_program("screen"))
      return {Fitness::Grade::unavailable, {}, "there is no screen here", "sudo apt-get install screen"};
    return session_fitness("a detached screen session", host);
  }

  Survives survives(const Job& job, const os::Host& host) const override {
    return with_login_hook(session_survives(pidfile_of(job), host), job.paths, host);
  }

  // A session, in the very place, that runs this very program to its end.
  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    auto failback_probe = job;
    failback_probe.argv = {job.argv.front(), "version"};
    HOLDFAST_TRY(const auto command, in_clean_environment(failback_probe, host));
    const auto sessions = session_directory(proving_directory(host));
    HOLDFAST_CHECK(check_length(job.name, sessions));
    return Plan{MakeDirectory{sessions, 0700},
                Run{screen(sessions, new_session("holdfast-proof", command), host), {}, false, k_deadline},
                RemoveEmptyDirectory{sessions}};
  }

  Result<Plan> install(const Job& job, const os::Host&) const override {
    HOLDFAST_CHECK(check_length(job.name, session_directory(job.runtime_dir)));
    return Plan{};
  }

  // Stop has ended the session and taken its socket away.
  Result<Plan> remove(const TunnelName& tunnel, const store::Paths& paths, const os::Host&) const override {
    return Plan{RemoveFile{stop_mark_file(tunnel, paths)}};
  }

  Result<Plan> start(const Job& job, const os::Host& host) const override {
    Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}};
    if (running_process(host, pidfile_of(job))) return plan;
    HOLDFAST_TRY(auto steps, start_steps(job, host));
    append(plan, std::move(steps));
    return plan;
  }

  Result<Plan> stop(const Job& job, const os::Host& host) const override {
    Plan plan{leave_stop_mark(job.name, job.paths, host), Terminate{pidfile_of(job)}};
    append(plan, clear_sockets(job, host));
    return plan;
  }

  Result<Plan> restart(const Job& job, const os::Host& host) const override {
    Plan plan{RemoveFile{stop_mark_file(job.name, job.paths)}, Terminate{pidfile_of(job)}};
    HOLDFAST_TRY(auto steps, start_steps(job, host));
    append(plan, std::move(steps));
    return plan;
  }

  Result<std::vector<Registration>> query(std::span<const Job> jobs, const os::Host& host) const override {
    return query_pidfiles(jobs, host);
  }

 private:
  static Result<Plan> start_steps(const Job& job, const os::Host& host) {
    const auto sessions = session_directory(job.runtime_dir);
    HOLDFAST_CHECK(check_length(job.name, sessions));
    HOLDFAST_TRY(const auto command, in_clean_environment(job, host));
    Plan plan = clear_sockets(job, host);
    auto session = outliving_login(screen(sessions, new_session(session_name(job.name), command), host), host);
    plan.emplace_back(MakeDirectory{sessions, 0700});
    plan.emplace_back(StartDetached{os::Detached{std::move(session), {}}, pidfile_of(job)});
    return plan;
  }
};

}  // namespace

const Backend& screen_backend() {
  static const Screen backend;
  return backend;
}

}  // namespace holdfast::backends
