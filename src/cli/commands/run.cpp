#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "os/first_process.hpp"
#include "store/history.hpp"
#include "store/host_settings.hpp"
#include "store/installation_record.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/supervisor.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/own_directories.hpp"
#include "tunnels/ownership.hpp"

#include <utility>

namespace holdfast::cli {
namespace {

/// Makes a failure a usage error, at which systemd doesn't restart us (RestartPreventExitStatus=2 4), and logs it: it
/// needs manual action.
Error needs_manual_action(Error error, const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  if (error.status == ExitStatus::failed) error.status = ExitStatus::usage;
  if (error.status == ExitStatus::usage)
    store::Log(paths.state_file(name, "log")).write(host.wall_now(), error_text(error));
  return error;
}

Result<ExitStatus> run_supervisor(Context& context, const Arguments& arguments) {
  auto& host = context.host;
  os::serve_as_first_process();
  if (arguments.operands().empty())
    return usage_error("the command line", "missing tunnel name", "holdfast status lists them");
  HOLDFAST_TRY(const auto name, TunnelName::parse(arguments.operands().front()));
  HOLDFAST_TRY(const auto scope, choose_scope(arguments, host));
  HOLDFAST_TRY(const auto paths, store::paths(scope, host));  // waits for a home that does not answer
  HOLDFAST_CHECK(tunnels::require_own_directories(paths, host));
  auto loaded = store::load(host, paths, name);
  if (!loaded) return needs_manual_action(std::move(loaded).error(), name, paths, host);
  if (tunnels::is_elsewhere(*loaded, host))  // not logged: its files are on another host
    return usage_error("tunnel " + name.text(), tunnels::explain_elsewhere(*loaded, host).message,
                       tunnels::is_renamed(*loaded, host)
                           ? tunnels::take_over_command(*loaded, host)
                           : "run it there, or write host = any in " + paths.tunnel_file(name).string());
  if (paths.scope == Scope::system && host.user().uid == 0 && (*loaded)->run_as.value_or("root") != "root")
    return usage_error("tunnel " + name.text(), "it runs as " + *(*loaded)->run_as + ", not as root",
                       "holdfast start " + name.text());
  auto spec = loaded->spec();
  spec.runtime_dir = tunnels::runtime_directory_of(*loaded, paths, host);
  HOLDFAST_TRY(const auto tunnel, Tunnel::make(std::move(spec)));
  // In a shared home, a unit or hook may start it on a host without setup. Record what remove must delete there.
  if (store::is_shared(tunnel, paths) && !store::read_host_settings(host, paths, name))
    HOLDFAST_CHECK(store::add_to_record(host, paths, name, {}, store::LingerUse::none));
  HOLDFAST_CHECK(supervisor::run(tunnel, paths, host));
  return ExitStatus::done;
}

}  // namespace

const Command& run_command() {
  static const Command command{
      .name = "run",
      .synopsis = "NAME",
      .summary = "keep one tunnel up, in the foreground; backends start this",
      .description =
          "SIGTERM and SIGINT end it and its ssh. SIGUSR2 reads the tunnel file again, and opens and closes changed "
          "ports without touching the others; without a terminal SIGHUP does the same. SIGUSR1 probes, or retries, "
          "immediately.\n"
          "The exit status is 2 when the tunnel's file cannot be used, and 4 when there is no such tunnel.",
      .most_operands = 1,
      .operands = Values::tunnel,
      .run = run_supervisor};
  return command;
}

}  // namespace holdfast::cli
