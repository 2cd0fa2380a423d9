#include "cli/commands.hpp"
#include "cli/commands/setup_options.hpp"
#include "cli/output/terminal_observer.hpp"
#include "core/text.hpp"
#include "os/read_only_host.hpp"
#include "os/replace_process.hpp"
#include "ssh/client/arguments.hpp"
#include "tunnels/client_command.hpp"
#include "tunnels/command_tunnel/command_tunnel.hpp"

#include <fmt/format.h>

#include <limits>

namespace holdfast::cli {
namespace {

tunnels::CommandArguments read_arguments(const Context& context, const Arguments& arguments) {
  return {.connection = connection_arguments(context, arguments),
          .target = arguments.one("target"),
          .sshd = arguments.has("sshd"),
          .keys = arguments.one("keys"),
          .wait = arguments.one("wait"),
          .required = arguments.has("require")};
}

/// The tasks of a parallel job step run the same command. The first one has the tunnel.
bool is_further_task(const os::Host& host) {
  const auto task = host.env("SLURM_PROCID");
  return task && parse_number(*task, 1, std::numeric_limits<std::uint32_t>::max()).has_value();
}

std::string connect_command(const Tunnel& tunnel, bool leads_to_sshd, const os::Host& host) {
  const auto user = host.user();
  auto route = tunnels::unresolved_route(tunnel, user);
  if (const auto client = ssh::find_client(host))
    if (auto found = tunnels::client_route(tunnel, user, *client, host)) route = std::move(*found);
  const auto login = tunnels::login_name({}, host);  // as the private sshd knows it
  return leads_to_sshd ? tunnels::login_command(route, tunnel->forwards.front(), login)
                       : tunnels::client_command(tunnel, route, login);
}

/// In one line: the output of the command follows it.
std::string success_line(const tunnels::CommandTunnel& started, const Tunnel& tunnel, const tunnels::Arrival& arrival,
                         const os::Host& host) {
  const os::ReadOnlyHost read_only_host(host);
  const auto target = started.leads_to_sshd() ? host.hostname() : end_text(tunnel->forwards.front().target());
  std::string state = fmt::format("up in {} ms", arrival.took.count());
  if (arrival.target_down) state = "open, and waits for its target";
  if (arrival.up && !arrival.verified) state += ", but not verified";
  return printable(fmt::format("holdfast: port {} of {} leads to {} ({}): {}", tunnel->forwards.front().short_text(),
                               tunnel->bastion.text(), target, state,
                               connect_command(tunnel, started.leads_to_sshd(), read_only_host)));
}

/// Hints of a login offer to pin an unknown host key, which only setup can do.
std::string without_pinning(std::string hint) {
  const auto offer = hint.rfind(", or ");
  if (hint.ends_with("--accept-new-host-key") && offer != std::string::npos) hint.resize(offer);
  return hint;
}

Error failure_error(const tunnels::CommandTunnel& started, const tunnels::CommandRequest& request,
                    const tunnels::Arrival& arrival) {
  const auto cause = arrival.failure ? arrival.failure->message : std::string("no answer");
  return Error{
      "opening", "the tunnel to " + request.bastion.text(),
      fmt::format("it is not up after {:.1f} s: {}", std::chrono::duration<double>(arrival.took).count(), cause),
      arrival.failure && !arrival.failure->hint.empty() ? without_pinning(arrival.failure->hint)
                                                        : "see " + started.log_file().string()};
}

/// An Error when there is no tunnel after the wait.
Result<> open_tunnel(const tunnels::CommandRequest& request, Context& context) {
  TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto started, tunnels::CommandTunnel::start(request, context.host, observer));
  const auto arrival = started.wait(request.wait);
  if (!arrival.up && !arrival.target_down) return failure_error(started, request, arrival);
  HOLDFAST_TRY(const auto tunnel, started.tunnel());
  context.terminal.note(success_line(started, tunnel, arrival, context.host));
  return {};
}

Result<ExitStatus> run_with_tunnel(Context& context, const Arguments& arguments) {
  const auto& command = arguments.operands();
  if (command.empty())
    return usage_error("the command line", "missing command", "holdfast with-tunnel -p PORT -b BASTION -- COMMAND");
  TerminalObserver observer(context.terminal);
  HOLDFAST_TRY(const auto request,
               tunnels::read_command_request(read_arguments(context, arguments), context.host, observer));
  HOLDFAST_CHECK(os::check_program(command.front()));
  if (!is_further_task(context.host)) {
    const auto opened = open_tunnel(request, context);
    if (!opened && request.required) return opened.error();
    if (!opened) {
      context.terminal.warn(opened.error().line() + "; the command runs without it");
      if (!opened.error().hint.empty()) context.terminal.note("  hint: " + printable(opened.error().hint));
    }
  }
  return os::become_program(command);
}

}  // namespace

const Command& with_tunnel_command() {
  static const Command command{
      .name = "with-tunnel",
      .synopsis = "-b BASTION -p PORT[-PORT] [OPTION…] -- COMMAND…",
      .summary = "run a command with a tunnel that lives as long as it does",
      .description =
          "Opens a tunnel, and then becomes COMMAND: process, signals, streams, terminal and exit status are COMMAND's "
          "own. A process beside it keeps the tunnel up. It ends when COMMAND ends, even by SIGKILL, and leaves no "
          "file. "
          "No setup is needed.\n"
          "Without --target the tunnel leads to a private sshd that runs as you, accepts only your public keys, and "
          "ends with COMMAND. One line on stderr says how to log in. The host key is the same for all your commands.\n"
          "If the tunnel is not up after --wait, a warning is printed, COMMAND runs, and the tunnel keeps trying. With "
          "--require COMMAND does not run, and the exit status is 1.\n"
          "In a parallel step of Slurm, task 0 has the tunnel. The other tasks run COMMAND without one.\n"
          "The exit status is that of COMMAND; 2 for invalid usage, 127 when there is no COMMAND, and 126 when it "
          "cannot be run.",
      .options = {{"port,p", "PORT[-PORT]",
                   "listen on this port of the bastion's 127.0.0.1; of a range, on the first one that it grants", true},
                  {"bastion,b", "[USER@]HOST[:PORT]",
                   "the bastion, or a Host of ~/.ssh/config; its host key must be known; default: HOLDFAST_BASTION",
                   true, Values::bastion},
                  {"target,t", "HOST:PORT", "forward to this service, which may start later (default: --sshd)"},
                  {"sshd", "", "forward to a private sshd that runs as you; this is the default"},
                  {"identity,secret-key,i,s", "FILE",
                   "the private key for the bastion; default: HOLDFAST_IDENTITY, else what ssh itself would use", false,
                   Values::file},
                  {"keys", "FILE",
                   "the public keys that may log in to the private sshd (default: ~/.ssh/authorized_keys)", false,
                   Values::file},
                  {"wait", "TIME", "how long COMMAND waits for the tunnel: 90s, 5m (default: 20s)"},
                  {"require", "", "do not run COMMAND when the tunnel is not up after the wait"},
                  {"ssh-option", "KEY=VALUE", "another -o option for ssh; may be repeated", true}},
      .scoped = false,
      .most_operands = k_any_number,
      .run = run_with_tunnel};
  return command;
}

}  // namespace holdfast::cli
