#include "backends/host/stop_mark.hpp"
#include "backends/pidfile.hpp"
#include "backends/plan/apply.hpp"
#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "store/history.hpp"
#include "store/tunnel_store.hpp"
#include "store/tunnels_directory.hpp"
#include "tunnels/hook_check.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/own_directories.hpp"
#include "tunnels/ownership.hpp"
#include "tunnels/survivors.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// True when the supervisor runs on this host, in this boot, and holds its lock. Starts no process.
bool is_supervised(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  const auto directory = tunnels::runtime_directory_of(tunnel, paths, host);
  const auto live = tunnels::read_live(directory, tunnel->name, paths, host);
  return live && os::is_alive(host, live->supervisor) &&
         host.is_locked(store::runtime_files(tunnel->name, directory).lock);
}

/// True when a backend that restarts its job has never started it: its manager came up before the home.
bool is_forgotten(const Tunnel& tunnel, const backends::Backend& backend, const store::Paths& paths,
                  const os::Host& host) {
  const auto job = tunnels::make_job(tunnel, paths, tunnels::nominal_user(tunnel, paths, host), host);
  const auto known = tunnels::query_one(backend, job, host);
  return known && known->installed && known->never_started;
}

Result<> start(const Tunnel& tunnel, const backends::Backend& backend, const store::Paths& paths, Context& context) {
  auto& host = context.host;
  const auto job = tunnels::make_job(tunnel, paths, tunnels::nominal_user(tunnel, paths, host), host);
  HOLDFAST_TRY(const auto plan, backend.start(job, host));
  HOLDFAST_CHECK(backends::apply(plan, host));
  store::Log(paths.state_file(tunnel->name, "log"))
      .write(host.wall_now(), "ensure started it, because it was not running");
  context.terminal.detail(fmt::format("tunnel {} is started", tunnel->name.text()));
  return {};
}

Result<> ensure_one(const store::Entry& entry, const store::Paths& paths, Context& context) {
  auto& host = context.host;
  const auto& name = entry.name;
  const auto skip = [&](std::string_view why) -> Result<> {
    context.terminal.detail(fmt::format("skipping tunnel {}: {}", name.text(), why));
    return {};
  };
  if (!entry.tunnel) return entry.tunnel.error();
  if (tunnels::is_elsewhere(*entry.tunnel, host)) return skip(tunnels::explain_elsewhere(*entry.tunnel, host).message);
  if (is_supervised(*entry.tunnel, paths, host)) return skip("it is running");
  HOLDFAST_TRY(const auto lock, tunnels::NameLock::try_take(name, paths, host));
  if (!lock) return skip("another command is changing it");
  // The previous owner of the lock may have changed it.
  HOLDFAST_TRY(const auto tunnel, store::load(host, paths, name));
  HOLDFAST_TRY(const auto* backend, tunnels::backend_of(tunnel));
  if (tunnels::is_elsewhere(tunnel, host) || is_supervised(tunnel, paths, host)) return skip("it is running");
  if (backends::has_stop_mark(name, paths, host)) return skip("it was stopped with holdfast stop");
  if (backend->restarts_job() && !is_forgotten(tunnel, *backend, paths, host))
    return skip(fmt::format("{} restarts it", backend->name()));
  // Another ensure has just started it, and it has no lock yet.
  const auto files = store::runtime_files(name, tunnels::runtime_directory_of(tunnel, paths, host));
  if (backends::running_process(host, files.pidfile)) return skip("it is starting");
  if (!tunnels::Survivors(paths, host).of(name).empty())
    return skip("its supervisor runs, but its runtime directory is gone: holdfast restart " + name.text());
  return start(tunnel, *backend, paths, context);
}

Result<std::vector<store::Entry>> chosen(const Arguments& arguments, const store::Paths& paths, const os::Host& host) {
  if (arguments.operands().empty()) {
    HOLDFAST_CHECK(store::check_readable(host, paths));
    return store::load_all(host, paths);
  }
  std::vector<store::Entry> entries;
  for (const auto& operand : arguments.operands()) {
    HOLDFAST_TRY(auto name, TunnelName::parse(operand));
    auto tunnel = store::load(host, paths, name);
    entries.push_back({std::move(name), std::move(tunnel)});
  }
  return entries;
}

Result<ExitStatus> ensure(Context& context, const Arguments& arguments) {
  if (tunnels::report_to_hook_check(context.host)) return ExitStatus::done;
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, context.host));
  HOLDFAST_CHECK(tunnels::require_own_directories(paths, context.host));
  auto status = ExitStatus::done;
  const auto fail = [&](const Error& error) {
    // Silent by default: cron would mail the error every minute, and every login would print it.
    if (context.terminal.is_verbose()) context.terminal.error(error);
    status = error.status;
  };
  const auto entries = chosen(arguments, paths, context.host);
  if (!entries) {
    fail(entries.error());
    return status;
  }
  for (const auto& entry : *entries)
    if (const auto done = ensure_one(entry, paths, context); !done) fail(done.error());
  return status;
}

}  // namespace

const Command& ensure_command() {
  static const Command command{
      .name = "ensure",
      .synopsis = "[NAME…]",
      .summary = "start tunnels that should be running but aren't",
      .description =
          "For cron and login hooks: it prints nothing without -v, doesn't wait, and starts no process when all "
          "tunnels run. Without names it checks every tunnel.\n"
          "It skips tunnels that you stopped with holdfast stop (until the next boot), tunnels of other hosts, "
          "tunnels that another command is changing, and tunnels that systemd restarts. A unit that "
          "systemd has never started, because the home was mounted later, is started.",
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = ensure};
  return command;
}

}  // namespace holdfast::cli
