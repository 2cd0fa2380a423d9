#include "backends/registry.hpp"
#include "backends/terminal_session.hpp"

#include <fmt/format.h>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_deadline{10000};
constexpr std::size_t k_longest_socket = 107;  // unix(7): 108 bytes with the NUL
constexpr std::size_t k_longest_pid = 7;

/// The directory of our session sockets, PID.holdfast-NAME each, apart from the user's own sessions.
fs::path session_directory(const fs::path& runtime_dir) { return runtime_dir / "screen"; }

std::string session_name(const TunnelName& name) { return "holdfast-" + name.text(); }

/// screen with that socket directory, without the user's or the system's configuration.
os::Command screen(const fs::path& sessions, std::vector<std::string> arguments, const os::Host& host) {
  std::vector<std::string> argv{"screen", "-c", "/dev/null"};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  auto environment = session_environment(host);
  environment["SCREENDIR"] = sessions.string();
  environment["SYSSCREENRC"] = "/dev/null";
  return os::Command{std::move(argv), std::move(environment), {}};
}

/// -D -m: screen does not fork, so that its pid is the session's. It ends with the session's last window.
std::vector<std::string> new_session(const std::string& session, const std::vector<std::string>& command) {
  std::vector<std::string> arguments{"-D", "-m", "-S", session};
  arguments.insert(arguments.end(), command.begin(), command.end());
  return arguments;
}

Result<> check_length(const TunnelName& name, const fs::path& sessions) {
  const auto length = sessions.size() + 1 + k_longest_pid + 1 + session_name(name).size();
  if (length <= k_longest_socket) return {};
  return Error{"starting", "screen session " + session_name(name),
               fmt::format("its socket path would have {} bytes; the limit is {}", length, k_longest_socket),
               "give the tunnel a shorter name with -n"};
}

// A detached session: one process of screen, which the pidfile names.
class Screen final : public TerminalSession {
 public:
  std::string_view name() const noexcept override { return "screen"; }

  // A session where the real one will be, which runs our own program to its end.
  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto command, proof_command(job, host));
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

 private:
  Result<Plan> start_process(const Job& job, const os::Host& host) const override {
    const auto sessions = session_directory(job.runtime_dir);
    HOLDFAST_CHECK(check_length(job.name, sessions));
    HOLDFAST_TRY(const auto command, in_clean_environment(job, host));
    auto session = outliving_login(screen(sessions, new_session(session_name(job.name), command), host), host);
    return Plan{MakeDirectory{sessions, 0700}, StartDetached{os::Detached{std::move(session), {}}, pidfile_of(job)}};
  }

  // Removes the sockets of ended sessions. The whole name is compared: screen itself would match a prefix.
  Plan clean_up(const Job& job, const os::Host& host) const override {
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
};

}  // namespace

const Backend& screen_backend() {
  static const Screen backend;
  return backend;
}

}  // namespace holdfast::backends
