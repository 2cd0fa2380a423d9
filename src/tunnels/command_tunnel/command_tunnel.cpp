#include "tunnels/command_tunnel/command_tunnel.hpp"

#include "core/text.hpp"
#include "os/environment.hpp"
#include "os/loopback_port.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/server/key_files.hpp"
#include "ssh/server/sshd_config.hpp"
#include "ssh/server/sshd_program.hpp"
#include "store/history.hpp"
#include "store/tunnel_file.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/arrival.hpp"
#include "tunnels/client_command.hpp"
#include "tunnels/command_tunnel/private_directory.hpp"

#include <fmt/format.h>
#include <boost/filesystem/operations.hpp>

#include <limits>
#include <utility>

namespace holdfast::tunnels {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_poll(10);
constexpr std::chrono::seconds k_start_timeout(10);

bool is_about_port(const Diagnosis& failure) {
  return failure.failure == FailureClass::forward_busy || failure.failure == FailureClass::forward_denied;
}

/// The host key is the same for every command of this user, on every host of this home.
Result<fs::path> host_key(const fs::path& directory, os::Host& host, Observer& observer) {
  HOLDFAST_TRY(const auto paths, store::paths(Scope::user, host));
  const auto file = paths.state.parent_path() / "hostkeys" / "with-tunnel";
  const auto kept = ssh::keep_host_key(file, host);
  if (kept) return file;
  observer.warn(printable(kept.error().line()) + "; the private sshd has a temporary host key");
  const auto temporary = directory / "temporary_host_key";
  HOLDFAST_CHECK(ssh::keep_host_key(temporary, host));
  return temporary;
}

Result<> link_to(const fs::path& target, const fs::path& link) {
  boost::system::error_code error;
  fs::create_symlink(target, link, error);
  if (error) return errno_error("making", link.string(), error.value());
  return {};
}

/// What the sidecar needs to run a private sshd.
struct PreparedSshd {
  fs::path program;
  TcpEnd address;
};

Result<PreparedSshd> prepare_sshd(const CommandRequest& request, const fs::path& directory, os::Host& host,
                                  Observer& observer) {
  HOLDFAST_TRY(const auto program, ssh::find_sshd(host));
  const auto user = login_name({}, host);  // $USER may be another user, after su or sudo
  if (user.empty()) return Error{"finding", "your user name", "id -un printed nothing", ""};
  const auto account = host.find_user(user);
  HOLDFAST_TRY(const auto keys, ssh::check_authorized_keys(request.keys, account ? account->home : "/", host));
  HOLDFAST_TRY(const auto key, host_key(directory, host, observer));
  HOLDFAST_TRY(const auto port, os::find_free_loopback_port());
  const ssh::SshdSettings settings{.port = port,
                                   .files = ssh::sshd_files(directory),
                                   .user = user,
                                   .strict_modes = keys.strict_modes,
                                   .environment = ssh::visitor_environment(os::current_environment())};
  HOLDFAST_CHECK(link_to(key, settings.files.host_key));
  HOLDFAST_CHECK(link_to(request.keys, settings.files.authorized_keys));
  HOLDFAST_CHECK(host.write_volatile_file(settings.files.config, ssh::sshd_config(settings, program.version), 0600));
  return PreparedSshd{program.path, TcpEnd{"127.0.0.1", port}};
}

Result<Tunnel> make_tunnel(const CommandRequest& request, const End& target, const fs::path& directory,
                           const os::Host& host) {
  HOLDFAST_TRY(auto forward, forward_to(target, request.ports.first()));
  TunnelSpec spec{command_tunnel_name(), request.bastion, {std::move(forward)}, request.identity};
  spec.ssh_options = request.ssh_options;
  spec.host = host.hostname();
  spec.runtime_dir = directory;
  spec.allow_target_down = true;
  HOLDFAST_TRY(auto tunnel, Tunnel::make(std::move(spec)));
  HOLDFAST_CHECK(store::check_reads_back(tunnel));
  return tunnel;
}

/// The notifications of a service manager are for the command.
os::Environment sidecar_environment() {
  auto environment = os::current_environment();
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "HOLDFAST_REAPED", "JOURNAL_STREAM"})
    environment.erase(name);
  return environment;
}

/// The sidecar forks, prints the pid of the process that stays, and exits.
Result<os::ProcessId> start_sidecar(const CommandRequest& request, const fs::path& directory, const fs::path& sshd,
                                    os::Host& host) {
  os::Command command{{host.self().native(), "sidecar", directory.native(), request.ports.text()}};
  if (!sshd.empty()) command.argv.push_back(sshd.native());
  command.environment = sidecar_environment();
  HOLDFAST_TRY(const auto done, host.run(command, k_start_timeout));
  const auto pid = parse_number(trim(done.out), 2, std::numeric_limits<pid_t>::max());
  auto sidecar = done.ok() && pid ? host.process(static_cast<pid_t>(*pid)) : std::nullopt;
  if (sidecar) return std::move(*sidecar);
  const auto words = first_line(done.err);
  return Error{"starting", "the sidecar of the command", words.empty() ? "it ended at once" : words, ""};
}

Result<os::ProcessId> start_in(const fs::path& directory, const CommandRequest& request, os::Host& host,
                               Observer& observer) {
  HOLDFAST_CHECK(ssh::find_client(host));
  std::optional<PreparedSshd> sshd;
  if (!request.target) {
    HOLDFAST_TRY(sshd, prepare_sshd(request, directory, host, observer));
  }
  HOLDFAST_TRY(const auto tunnel, make_tunnel(request, sshd ? End(sshd->address) : *request.target, directory, host));
  const auto paths = command_tunnel_paths(directory);
  HOLDFAST_CHECK(host.write_volatile_file(paths.tunnel_file(tunnel->name), store::format_tunnel(tunnel), 0600));
  return start_sidecar(request, directory, sshd ? sshd->program : fs::path(), host);
}

}  // namespace

Result<CommandTunnel> CommandTunnel::start(const CommandRequest& request, os::Host& host, Observer& observer) {
  remove_abandoned_tunnels(host);
  HOLDFAST_TRY(auto directory, make_private_directory(host));
  auto sidecar = start_in(directory, request, host, observer);
  if (sidecar) return CommandTunnel(std::move(directory), std::move(*sidecar), request, host);
  (void)host.remove_tree(directory);
  return std::move(sidecar).error();
}

/// A private sshd that is down is a failure; a service of the command may start later.
bool CommandTunnel::is_final(const store::LiveState& live, const Arrival& arrival) const {
  if (arrival.up || (arrival.target_down && !leads_to_sshd_)) return true;
  const bool tries_other_port = has_range_ && arrival.failure && is_about_port(*arrival.failure);
  return live.state == store::TunnelState::failed && !tries_other_port;
}

void CommandTunnel::explain(Arrival& arrival, bool is_running) const {
  if (!is_running && !arrival.failure)
    arrival.failure = Diagnosis{FailureClass::unknown, "the tunnel's sidecar has ended", ""};
  if (!leads_to_sshd_ || !arrival.target_down) return;
  arrival.target_down = false;
  const auto lines = store::newest_lines(ssh::sshd_files(directory_).log, 1);
  arrival.failure->message = "the private sshd does not run" + (lines.empty() ? "" : ": " + lines.back());
  arrival.failure->hint.clear();
  constexpr std::string_view k_missing = "Missing privilege separation directory: ";  // only as root
  if (const auto at = arrival.failure->message.find(k_missing); at != std::string::npos)
    arrival.failure->hint =
        "mkdir -m 0755 " + shell_quote(trim(arrival.failure->message.substr(at + k_missing.size())));
}

Arrival CommandTunnel::wait(milliseconds timeout) const {
  const auto begin = host_->now();
  const auto files = store::runtime_files(command_tunnel_name(), directory_);
  for (;;) {
    const bool is_running = os::is_alive(*host_, sidecar_);
    const auto waited = std::chrono::duration_cast<milliseconds>(host_->now() - begin);
    const auto live = store::read_live_state(*host_, files.live, host_->user().uid);
    Arrival arrival;
    if (live && *live) {
      const auto shown = arrival_of(**live, waited);
      if ((*live)->last_error) arrival.failure = (*live)->last_error->diagnosis;
      if (shown) arrival = *shown;
      if (shown && is_final(**live, arrival)) return arrival;
    }
    if (!is_running || waited >= timeout) {
      arrival.took = waited;
      explain(arrival, is_running);
      return arrival;
    }
    host_->sleep_for(k_poll);
  }
}

Result<Tunnel> CommandTunnel::tunnel() const {
  return store::load_as_written(*host_, command_tunnel_paths(directory_), command_tunnel_name());
}

fs::path CommandTunnel::log_file() const {
  return command_tunnel_paths(directory_).state_file(command_tunnel_name(), "log");
}

}  // namespace holdfast::tunnels
