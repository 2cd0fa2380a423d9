#include "backends/host/systemctl.hpp"
#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "ssh/autossh/autossh_process.hpp"
#include "ssh/client/master.hpp"
#include "store/hand_over.hpp"
#include "store/history.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/own_directories.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::cli {
namespace {

constexpr std::chrono::milliseconds k_deadline{3000};

/// Whether ssh must stay for the next supervisor: the unit's job is a restart, or there is none (before an automatic
/// restart). When that is unknown, ssh ends: a start would end it anyway, and a stop would not run again.
bool keeps_ssh(const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  const auto manager = paths.scope == Scope::system ? std::optional(backends::Systemctl::of_machine(host))
                                                    : backends::user_manager(host);
  if (!manager) return false;
  const auto unit = backends::unit_name(name);
  const auto jobs = host.run(manager->command({"list-jobs", "--no-legend", "--no-pager", "--full", unit}), k_deadline);
  if (!jobs || !jobs->ok()) return false;
  for (const auto& line : split(jobs->out, '\n')) {
    const auto columns = split_words(line);
    const auto at = std::ranges::find(columns, unit);
    if (columns.end() - at >= 2) return at[1] != "stop";  // JOB UNIT TYPE STATE
  }
  return true;
}

Result<ExitStatus> reap(Context& context, const Arguments& arguments) {
  auto& host = context.host;
  if (arguments.operands().empty())
    return usage_error("the command line", "missing tunnel name", "holdfast status lists them");
  HOLDFAST_TRY(const auto name, TunnelName::parse(arguments.operands().front()));
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, host));
  HOLDFAST_TRY(const auto paths, store::paths(scope, host));  // waits for a home that does not answer
  HOLDFAST_CHECK(tunnels::require_own_directories(paths, host));
  const auto tunnel = store::load(host, paths, name);
  if (!tunnel && tunnel.error().status == ExitStatus::no_such_tunnel) return tunnel.error();
  const auto directories = tunnel ? std::vector{tunnels::runtime_directory_of(*tunnel, paths, host)}
                                  : tunnels::possible_runtime_directories(name, paths, host);
  const bool handed_over = store::is_under_way(store::read_hand_over(host, paths, name), host);
  const bool by_systemd = host.env("INVOCATION_ID").has_value() && host.env("SERVICE_RESULT").has_value();
  for (const auto& directory : directories) {
    const auto files = store::runtime_files(name, directory);
    // The files belong to a successor: of another backend, or after a quick start.
    if (by_systemd && (handed_over || host.is_locked(files.lock))) return ExitStatus::done;
    const auto live = tunnels::read_live(directory, name, paths, host);
    if (live && os::is_alive(host, live->supervisor))
      return Error{"reaping", "tunnel " + name.text(),
                   fmt::format("its supervisor {} is running", live->supervisor.pid), "holdfast stop " + name.text()};
    if (by_systemd && keeps_ssh(name, paths, host)) return ExitStatus::done;
    HOLDFAST_CHECK(ssh::end_autossh(files.control, host, live ? live->autossh : std::nullopt));
    HOLDFAST_TRY(const bool ended, ssh::end_master(files.control, host, live ? live->ssh : std::nullopt));
    // The supervisor was killed before it could write this.
    if (by_systemd && live && live->state != store::TunnelState::stopped)
      (void)store::History(paths.state_file(name, "history"))
          .append({host.wall_now(), live->state, store::TunnelState::stopped, "stopped"});
    if (!ended) continue;
    store::Log(paths.state_file(name, "log"))
        .write(host.wall_now(), "ended the ssh that a dead supervisor left running");
    context.terminal.note("ended the ssh of tunnel " + name.text());
  }
  return ExitStatus::done;
}

}  // namespace

const Command& reap_command() {
  static const Command command{.name = "reap",
                               .synopsis = "NAME",
                               .summary = "end the ssh of a dead supervisor; for systemd units",
                               .description =
                                   "Run by hand, it ends the ssh that is left. Run by systemd (ExecStopPost=), it ends "
                                   "ssh when the unit is being "
                                   "stopped, and otherwise leaves it for the next supervisor.",
                               .most_operands = 1,
                               .operands = Values::tunnel,
                               .run = reap};
  return command;
}

}  // namespace holdfast::cli
