#include "supervisor/supervisor.hpp"

#include "os/directories.hpp"
#include "os/end_process.hpp"
#include "ssh/autossh/autossh.hpp"
#include "ssh/autossh/autossh_process.hpp"
#include "ssh/client/arguments.hpp"
#include "ssh/client/master.hpp"
#include "store/kept_processes.hpp"
#include "store/live_state.hpp"
#include "supervisor/adoption.hpp"
#include "supervisor/autossh/loop.hpp"
#include "supervisor/loop/loop.hpp"
#include "supervisor/service_manager.hpp"
#include "supervisor/supervisor_lock.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

namespace holdfast::supervisor {
namespace {

namespace fs = boost::filesystem;

/// systemd creates /run/holdfast/NAME, readable by all. A user's directory must be private.
Result<> claim(const fs::path& directory, const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::user) return os::claim_private_directory(directory, host.user().uid);
  const os::FileStatus status = host.status(directory);
  if (status.kind == os::FileKind::directory && status.owner == host.user().uid && (status.mode & 022) == 0) return {};
  return Error{"using", directory.native(),
               status.kind == os::FileKind::missing ? "it does not exist" : "other users can write to it",
               "start the tunnel with systemctl start, which creates it"};
}

/// A killed supervisor may have left its ssh, which holds the bastion's port, or its autossh.
Result<> end_predecessor(const store::RuntimeFiles& files, os::Host& host) {
  std::optional<os::ProcessId> known;
  std::optional<os::ProcessId> autossh;
  const auto live = store::read_live_state(host, files.live, host.user().uid);
  if (live && *live) {
    known = (*live)->ssh;
    autossh = (*live)->autossh;
  }
  HOLDFAST_CHECK(ssh::end_autossh(files.control, host, autossh));
  HOLDFAST_TRY([[maybe_unused]] const bool ended, ssh::end_master(files.control, host, known));
  return {};
}

/// The same where the runtime files are gone, or were in another directory.
Result<> end_kept_processes(const TunnelName& name, const store::Paths& paths, os::Host& host) {
  const auto kept = store::read_living_processes(host, paths, name);
  if (!kept || kept->supervisor) return {};
  constexpr std::chrono::milliseconds k_grace(1500);
  for (const auto& process : {kept->autossh, kept->ssh})  // autossh would start another ssh
    if (process && !os::end_process(host, *process, k_grace))
      return Error{"ending", fmt::format("process {} of the previous supervisor", process->pid),
                   "it is still running after SIGKILL", ""};
  return {};
}

Result<> prepare(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  if (!tunnel->runtime_dir)
    return Error{"running", tunnel->name.text(), "its file has no runtime_dir",
                 "run holdfast setup again, which sets it"};
  std::signal(SIGPIPE, SIG_IGN);
  return claim(*tunnel->runtime_dir, paths, host);
}

}  // namespace

Result<> run(const Tunnel& tunnel, const store::Paths& paths, os::Host& host) {
  HOLDFAST_CHECK(prepare(tunnel, paths, host));
  const store::RuntimeFiles files = store::runtime_files(tunnel->name, *tunnel->runtime_dir);
  const ServiceManager manager(host);
  HOLDFAST_TRY(const auto lock, acquire_supervisor_lock(tunnel->name, paths, files, manager, host));
  // Ready before the tunnel is verified: otherwise systemd would restart the unit again and again during an outage.
  manager.ready();
  HOLDFAST_TRY(ssh::Client client, ssh::find_client(host));
  if (lock.left) HOLDFAST_CHECK(end_predecessor(*lock.left, host));
  auto predecessor = find_predecessor(tunnel, files, client, host);
  if (!predecessor) {
    HOLDFAST_CHECK(end_predecessor(files, host));
    HOLDFAST_CHECK(end_kept_processes(tunnel->name, paths, host));
  }
  // On an error there is no log, but the tunnel works.
  (void)host.make_directories(paths.state_directory(tunnel->name), 0700);
  if (tunnel->engine == Engine::autossh) {
    HOLDFAST_CHECK(ssh::check_for_autossh(tunnel));
    HOLDFAST_TRY(auto program, ssh::find_autossh(host));
    return AutosshLoop(host, paths, tunnel, files, std::move(program), std::move(client), manager).run();
  }
  return Loop(host, paths, tunnel, files, std::move(client), manager, std::move(predecessor)).run();
}

Result<> run(const Tunnel& tunnel, const store::Paths& paths, Companion& companion, os::Host& host) {
  HOLDFAST_CHECK(prepare(tunnel, paths, host));
  const auto files = store::runtime_files(tunnel->name, *tunnel->runtime_dir);
  const ServiceManager manager(host);
  HOLDFAST_TRY(const auto lock, acquire_supervisor_lock(tunnel->name, paths, files, manager, host));
  HOLDFAST_TRY(ssh::Client client, ssh::find_client(host));
  return Loop(host, paths, tunnel, files, std::move(client), manager, std::nullopt, &companion).run();
}

}  // namespace holdfast::supervisor
