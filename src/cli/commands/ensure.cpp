#include "backends/host/stop_mark.hpp"
#include "backends/pidfile.hpp"
#include "backends/plan/apply.hpp"
#include "cli/commands.hpp"
#include "cli/scope.hpp"
#include "store/history.hpp"
#include "store/tunnel_store.hpp"
#include "tunnels/installation.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/ownership.hpp"

#include <fmt/format.h>

namespace holdfast::cli {
namespace {

/// The supervisor lives, on this host and in this boot, and holds its lock. No process is started to find out.
bool is_held(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  const auto directory = tunnels::runtime_directory_of(tunnel, paths, host);
  const auto live = tunnels::read_live(directory, tunnel->name, paths, host);
  return live && os::is_alive(host, live->supervisor) &&
         host.is_locked(store::runtime_files(tunnel->name, directory).lock);
}

Result<> start(const Tunnel& tunnel, const backends::Backend& backend, const store::Paths& paths, Context& context) {
  auto& host = context.host;
  const auto job = tunnels::make_job(tunnel, paths, tunnels::nominal_user(tunnel, paths, host), host);
  HOLDFAST_TRY(const auto plan, backend.start(job, host));
  HOLDFAST_CHECK(backends::apply(plan, host));
  store::Log(paths.state_file(tunnel->name, "log")).write(host.wall_now(), "ensure found it down and started it");
  context.terminal.detail(fmt::format("tunnel {} is started", tunnel->name.text()));
  return {};
}

Result<> ensure_one(const store::Entry& entry, const store::Paths& paths, Context& context) {
  auto& host = context.host;
  const auto& name = entry.name;
  const auto leave = [&](std::string_view why) -> Result<> {
    context.terminal.detail(fmt::format("tunnel {} is left alone: {}", name.text(), why));
    return {};
  };
  if (!entry.tunnel) return entry.tunnel.error();
  if (tunnels::is_elsewhere(*entry.tunnel, host)) return leave(tunnels::explain_elsewhere(*entry.tunnel, host).message);
  if (is_held(*entry.tunnel, paths, host)) return leave("it runs");
  HOLDFAST_TRY(const auto lock, tunnels::NameLock::try_take(name, paths, host));
  if (!lock) return leave("another command is at work on it");
  // Whoever had the lock before us may have changed everything.
  HOLDFAST_TRY(const auto tunnel, store::load(host, paths, name));
  HOLDFAST_TRY(const auto* backend, tunnels::backend_of(tunnel));
  if (tunnels::is_elsewhere(tunnel, host) || is_held(tunnel, paths, host)) return leave("it runs");
  if (backend->restarts_job()) return leave(fmt::format("{} starts it", backend->name()));
  if (backends::has_stop_mark(name, paths, host)) return leave("holdfast stop has stopped it");
  // Another login's ensure has just started it, and it has not come to its lock yet.
  const auto files = store::runtime_files(name, tunnels::runtime_directory_of(tunnel, paths, host));
  if (backends::running_process(host, files.pidfile)) return leave("it is being started");
  return start(tunnel, *backend, paths, context);
}

Result<std::vector<store::Entry>> chosen(const Arguments& arguments, const store::Paths& paths, const os::Host& host) {
  if (arguments.operands().empty()) return store::load_all(host, paths);
  std::vector<store::Entry> entries;
  for (const auto& operand : arguments.operands()) {
    HOLDFAST_TRY(auto name, TunnelName::parse(operand));
    auto tunnel = store::load(host, paths, name);
    entries.push_back({std::move(name), std::move(tunnel)});
  }
  return entries;
}

Result<ExitStatus> ensure(Context& context, const Arguments& arguments) {
  HOLDFAST_TRY(const auto paths, choose_paths(arguments, context.host));
  HOLDFAST_TRY(const auto entries, chosen(arguments, paths, context.host));
  auto status = ExitStatus::done;
  for (const auto& entry : entries) {
    const auto done = ensure_one(entry, paths, context);
    if (done) continue;
    // cron would send a mail each minute, and a login would greet with it: what is wrong is for who asks.
    if (context.terminal.is_verbose()) context.terminal.error(done.error());
    status = done.error().status;
  }
  return status;
}

}  // namespace

const Command& ensure_command() {
  static const Command command{
      .name = "ensure",
      .synopsis = "[NAME…]",
      .summary = "start what should run here and does not; silent and fast",
      .description =
          "For cron and for login hooks: says nothing unless -v, waits for nothing, and starts no process at all when "
          "all is well. Without names it looks after every tunnel.\n"
          "It leaves alone what holdfast stop has stopped (until the machine starts again), what belongs to another "
          "host, what another command is at work on, and what systemd starts again itself.",
      .most_operands = k_any_number,
      .operands = Values::tunnel,
      .run = ensure};
  return command;
}

}  // namespace holdfast::cli
