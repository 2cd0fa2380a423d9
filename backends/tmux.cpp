#include "backends/registry.hpp"
#include "backends/terminal_session.hpp"

#include <algorithm>

namespace holdfast::backends {
namespace {

constexpr std::chrono::milliseconds k_deadline{10000};

/// Each tunnel has a server of its own, so that ending one cannot end another.
fs::path socket_of(const TunnelName& name, const fs::path& directory) { return directory / (name.text() + ".tmux"); }

/// tmux replaces "." by "_" in a session name, because "." separates window and pane in a target.
std::string session_name(const TunnelName& name) {
  std::string session = "holdfast-" + name.text();
  std::ranges::replace(session, '.', '_');
  return session;
}

/// One argument of a tmux command. tmux ends the command at an argument that ends in ";", and runs the rest as another.
std::string encode_argument(std::string argument) {
  if (argument.ends_with(';')) argument.insert(argument.size() - 1, 1, '\\');
  return argument;
}

/// A tmux command for the server at `socket`, without the user's configuration.
os::Command tmux(const fs::path& socket, std::vector<std::string> arguments, const os::Host& host) {
  std::vector<std::string> argv{"tmux", "-S", socket.string(), "-f", "/dev/null"};
  for (auto& argument : arguments) argv.push_back(encode_argument(std::move(argument)));
  return os::Command{std::move(argv), session_environment(host), {}};
}

std::vector<std::string> new_session(const TunnelName& name, const std::vector<std::string>& command) {
  // tmux runs a command of several arguments directly, without a shell.
  std::vector<std::string> arguments{"new-session",      "-d", "-P", "-F", "#{pane_pid}", "-s",
                                     session_name(name), "-c", "/",  "--"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  return arguments;
}

// A detached session on a server of the tunnel's own.
class Tmux final : public TerminalSession {
 public:
  std::string_view name() const noexcept override { return "tmux"; }

  // Starts and ends a server in the runtime directory, with a session that runs our own program.
  Result<Plan> prove(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto command, proof_command(job, host));
    const auto socket = socket_of(job.name, proving_directory(host) / "proof");
    return Plan{MakeDirectory{socket.parent_path(), 0700},
                Run{tmux(socket, new_session(job.name, command), host), {}, false, k_deadline},
                Run{tmux(socket, {"kill-server"}, host), {}, true, k_deadline}, RemoveFile{socket},
                RemoveEmptyDirectory{socket.parent_path()}};
  }

 private:
  Result<Plan> start_process(const Job& job, const os::Host& host) const override {
    HOLDFAST_TRY(const auto command, in_clean_environment(job, host));
    auto start = tmux(socket_of(job.name, job.runtime_dir), new_session(job.name, command), host);
    Run run{outliving_login(std::move(start), host), {}, false, k_deadline};
    run.pidfile = pidfile_of(job);
    return Plan{std::move(run)};
  }

  // If the user has opened another window in the session, the server outlives the supervisor.
  Plan clean_up(const Job& job, const os::Host& host) const override {
    const auto socket = socket_of(job.name, job.runtime_dir);
    if (host.status(socket).kind != os::FileKind::socket || !is_private_directory(socket.parent_path(), host))
      return {};
    return {Run{tmux(socket, {"kill-server"}, host), {}, true, k_deadline}, RemoveFile{socket}};
  }
};

}  // namespace

const Backend& tmux_backend() {
  static const Tmux backend;
  return backend;
}

}  // namespace holdfast::backends
