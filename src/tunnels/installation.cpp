#include "tunnels/installation.hpp"

#include "ssh/client/arguments.hpp"

namespace holdfast::tunnels {

fs::path runtime_directory_of(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  if (tunnel->runtime_dir) return *tunnel->runtime_dir;
  if (paths.scope == Scope::system) return store::system_runtime_directory(tunnel->name);
  return store::runtime_directory_candidates(host, false).front();
}

std::vector<fs::path> possible_runtime_directories(const TunnelName& name, const store::Paths& paths,
                                                   const os::Host& host) {
  if (paths.scope == Scope::system) return {store::system_runtime_directory(name)};
  return store::runtime_directory_candidates(host, true);
}

bool is_elsewhere(const Tunnel& tunnel, const os::Host& host) {
  return !tunnel->host.empty() && tunnel->host != k_any_host && tunnel->host != host.hostname();
}

os::User nominal_user(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::user) return host.user();
  os::User user;
  user.name = tunnel->run_as.value_or("root");
  return user;
}

Result<os::User> find_job_user(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::user) return host.user();
  return host.find_user(tunnel->run_as.value_or("root"));
}

backends::Job make_job(const Tunnel& tunnel, const store::Paths& paths, const os::User& run_as, const os::Host& host) {
  const std::string scope = paths.scope == Scope::system ? "--system" : "--user";
  return backends::Job{tunnel->name,
                       {host.self().string(), "run", scope, tunnel->name.text()},
                       ssh::job_environment(host, run_as),
                       run_as,
                       tunnel->host,
                       runtime_directory_of(tunnel, paths, host),
                       paths};
}

std::optional<store::LiveState> read_live(const fs::path& runtime_directory, const TunnelName& name,
                                          const store::Paths& paths, const os::Host& host) {
  uid_t owner = host.user().uid;
  if (paths.scope == Scope::system) {
    // systemd makes /run/holdfast/NAME for the user that the tunnel runs as, and only root can change that owner. So no
    // query of the name service is needed, which a static program could only make by a command.
    const auto parent = host.status(runtime_directory.parent_path());
    const auto own = host.status(runtime_directory);
    if (parent.kind != os::FileKind::directory || parent.owner != 0 || (parent.mode & 0022) != 0) return std::nullopt;
    if (own.kind != os::FileKind::directory) return std::nullopt;
    owner = own.owner;
  }
  auto live = store::read_live_state(host, store::runtime_files(name, runtime_directory).live, owner);
  if (!live || !*live) return std::nullopt;
  if (paths.scope == Scope::system) {
    // In a container, the /proc of the unit's sandbox shows the machine's boot id, not the container's. /run is empty
    // at boot, so every process that the file names is of this boot.
    (*live)->supervisor.boot_id = host.boot_id();
    if ((*live)->ssh) (*live)->ssh->boot_id = host.boot_id();
    if ((*live)->autossh) (*live)->autossh->boot_id = host.boot_id();
  }
  return std::move(*live);
}

Result<const backends::Backend*> backend_of(const Tunnel& tunnel) {
  if (const auto* backend = backends::find_backend(tunnel->backend)) return backend;
  if (tunnel->backend == "auto")  // its file was written by hand
    return Error{"using", "backend auto", "none has been chosen for this tunnel yet",
                 "run holdfast setup with its name, ports and bastion: it chooses one"};
  const bool future = backends::is_future_backend(tunnel->backend);
  return Error{"using", "backend " + tunnel->backend,
               future ? "it is not available in this version" : "there is no such backend",
               "holdfast setup chooses one that is"};
}

Result<backends::Registration> query_one(const backends::Backend& backend, const backends::Job& job,
                                         const os::Host& host) {
  HOLDFAST_TRY(const auto answers, backend.query({&job, 1}, host));
  return answers.front();
}

}  // namespace holdfast::tunnels
