#include "tunnels/command_tunnel/sidecar.hpp"

#include "core/text.hpp"
#include "os/directories.hpp"
#include "os/process_watch.hpp"
#include "ssh/server/private_sshd.hpp"
#include "store/history.hpp"
#include "store/tunnel_file.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/loop/companion.hpp"
#include "supervisor/supervisor.hpp"
#include "tunnels/command_tunnel/command_request.hpp"
#include "tunnels/command_tunnel/port_choice.hpp"
#include "tunnels/command_tunnel/private_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::seconds k_sshd_timeout(3);

class Sidecar final : public supervisor::Companion {
 public:
  Sidecar(const SidecarArguments& arguments, Tunnel tunnel, os::ProcessId command, os::Host& host)
      : arguments_(arguments),
        tunnel_(std::move(tunnel)),
        command_(std::move(command)),
        choice_(arguments.ports),
        host_(host) {}

  void begin(boost::asio::io_context& context, supervisor::LoopControl control) override {
    control_ = std::move(control);
    command_watch_.emplace(context, host_, command_, [this] {
      control_.log("the command has ended");
      control_.stop();
    });
    timer_.emplace(context);
    const auto* target = std::get_if<TcpEnd>(&tunnel_->forwards.front().target());
    if (!arguments_.sshd || target == nullptr) return;
    sshd_.emplace(context, host_, *arguments_.sshd, ssh::sshd_files(arguments_.directory), target->port, control_.log);
    sshd_->start(k_sshd_timeout);
  }

  void on_view(const supervisor::View& view) override {
    const auto next = choice_.on_view(view);
    if (!next) return;
    timer_->expires_after(next->wait);
    timer_->async_wait([this, next = *next](const boost::system::error_code& cancelled) {
      if (!cancelled) request(next);
    });
  }

  void end() override {
    if (sshd_) sshd_->end();
    sshd_.reset();
    timer_.reset();
    command_watch_.reset();
  }

 private:
  /// The file, too: the command's process reads the port there.
  void request(const PortChoice::Next& next) {
    auto forward = forward_to(tunnel_->forwards.front().target(), next.port);
    if (!forward) return control_.log(forward.error().line());
    TunnelSpec spec = tunnel_.spec();
    spec.forwards = {std::move(*forward)};
    auto wanted = Tunnel::make(std::move(spec));
    if (!wanted) return control_.log(wanted.error().line());
    tunnel_ = std::move(*wanted);
    const auto file = command_tunnel_paths(arguments_.directory).tunnel_file(tunnel_->name);
    if (const auto written = host_.write_volatile_file(file, store::format_tunnel(tunnel_), 0600); !written)
      control_.log(written.error().line());
    control_.log("requesting port " + std::to_string(next.port));
    choice_.requested();
    control_.change(tunnel_, next.new_login);
  }

  const SidecarArguments& arguments_;
  Tunnel tunnel_;
  os::ProcessId command_;
  PortChoice choice_;
  os::Host& host_;
  supervisor::LoopControl control_;
  std::optional<os::ProcessWatch> command_watch_;
  std::optional<boost::asio::steady_timer> timer_;
  std::optional<ssh::PrivateSshd> sshd_;
};

/// Slurm and a shell's job control send these to every process of a job. The loop handles SIGTERM, SIGINT, SIGHUP,
/// SIGUSR1 and SIGUSR2 itself.
void ignore_job_signals() {
  for (const int number : {SIGQUIT, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGTSTP, SIGTTIN, SIGTTOU})
    std::signal(number, SIG_IGN);
}

/// with-tunnel waits for the output of its child, and this process must not keep a terminal or a pipe of the command.
void redirect_streams() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int number = 0; null >= 0 && number <= 2; ++number) ::dup2(null, number);
  if (null > 2) ::close(null);
}

/// True in the process that stays.
Result<bool> fork_away() {
  const pid_t child = ::fork();
  if (child < 0) return errno_error("starting", "the sidecar of the command", errno);
  if (child == 0) {
    redirect_streams();
    return true;
  }
  std::printf("%d\n", child);
  return false;
}

}  // namespace

Result<> run_sidecar(const SidecarArguments& arguments, os::Host& host) {
  HOLDFAST_CHECK(os::claim_private_directory(arguments.directory, host.user().uid));
  const auto command = command_of(arguments.directory, host);
  if (!command) return Error{"reading", arguments.directory.string(), "it names no process of a command", ""};
  const auto paths = command_tunnel_paths(arguments.directory);
  HOLDFAST_TRY(auto tunnel, store::load(host, paths, command_tunnel_name()));
  ignore_job_signals();
  HOLDFAST_TRY(const bool stays, fork_away());
  if (!stays) return {};
  Sidecar sidecar(arguments, tunnel, *command, host);
  auto ran = supervisor::run(tunnel, paths, sidecar, host);
  if (!ran) store::Log(paths.state_file(tunnel->name, "log")).write(host.wall_now(), ran.error().line());
  if (ran || !os::is_alive(host, *command)) return host.remove_tree(arguments.directory);
  return ran;
}

}  // namespace holdfast::tunnels
