#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "core/text.hpp"
#include "store/history.hpp"
#include "store/host_settings.hpp"
#include "store/installation_record.hpp"
#include "store/tunnel_store.hpp"
#include "supervisor/supervisor.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/ownership.hpp"

#include <utility>

namespace holdfast::cli {
namespace {

/// An error that only a person can mend ends with a status at which systemd does not start us again
/// (RestartPreventExitStatus=2 4), and stands in the tunnel's log.
Error for_a_person(Error error, const TunnelName& name, const store::Paths& paths, const os::Host& host) {
  if (error.status == ExitStatus::failed) error.status = ExitStatus::usage;
  if (error.status == ExitStatus::usage)
    store::Log(paths.state_file(name, "log")).write(host.wall_now(), error_text(error));
  return error;
}

Result<ExitStatus> run_supervisor(Context& context, const Arguments& arguments) {
  auto& host = context.host;
  if (arguments.operands().empty())
    return usage_error("the command line", "the name of the tunnel to run is missing", "holdfast status lists them");
  HOLDFAST_TRY(const auto name, TunnelName::parse(arguments.operands().front()));
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, host));
  auto loaded = store::load(host, paths, name);
  if (!loaded) return for_a_person(std::move(loaded).error(), name, paths, host);
  if (tunnels::is_elsewhere(*loaded, host))  // not a word into a log: nothing of it is to lie here
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
  // A unit in a shared home, or a hook, starts it on hosts on which nobody ran setup: what it leaves there is noted.
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
      .summary = "keep one tunnel up, in the foreground: what every backend starts",
      .description =
          "Ends on SIGTERM or SIGINT, with its ssh. SIGUSR2 reads the tunnel's file anew and opens and "
          "closes ports without touching the others; SIGHUP does too, without a terminal. SIGUSR1 probes or tries "
          "again at once.\n"
          "The exit status is 2 when the tunnel's file cannot be used, 4 when there is none.",
      .most_operands = 1,
      .operands = Values::tunnel,
      .run = run_supervisor};
  return command;
}

}  // namespace holdfast::cli
