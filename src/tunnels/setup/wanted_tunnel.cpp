#include "tunnels/setup/wanted_tunnel.hpp"

#include "store/host_settings.hpp"
#include "store/tunnel_file.hpp"
#include "tunnels/removal.hpp"

#include <algorithm>

namespace holdfast::tunnels {
namespace {

/// True when the host keys pinned for `previous` are still valid for `wanted`.
bool shares_bastion(const Tunnel& previous, const TunnelSpec& wanted) {
  for (std::size_t at = 0; at < previous.bastions(); ++at)
    if (previous.bastion(at) == wanted.bastion ||
        std::ranges::find(wanted.fallbacks, previous.bastion(at)) != wanted.fallbacks.end())
      return true;
  return false;
}

TunnelSpec requested_spec(const SetupRequest& request, const SetupFacts& facts) {
  TunnelSpec spec{request.name, request.bastion, request.forwards, request.identity};
  spec.fallbacks = request.fallbacks;
  spec.host = request.host.value_or(facts.hostname);
  spec.engine = request.engine;
  spec.ssh_options = request.ssh_options;
  spec.takeover = request.takeover;
  spec.allow_target_down = request.allow_target_down;
  if (request.paths.scope == Scope::system) spec.run_as = request.run_as.name;
  if (const auto& previous = facts.previous.tunnel) {
    if (!(*previous)->host.empty() && !request.host) spec.host = (*previous)->host;
    spec.probe_interval = (*previous)->probe_interval;
    spec.keepalive = (*previous)->keepalive;
    if (spec.engine == Engine::native) spec.spread = (*previous)->spread;
    if (shares_bastion(*previous, spec)) spec.known_hosts = (*previous)->known_hosts;
  }
  if (spec.host != k_any_host) spec.machine = facts.machine;
  return spec;
}

/// True when the file of a tunnel of many hosts needs no change.
bool is_written(const Tunnel& tunnel, const SetupFacts& facts) {
  if (!facts.tunnel_as_written) return false;
  auto spec = facts.tunnel_as_written->spec();
  spec.backend = tunnel->backend;
  spec.runtime_dir = tunnel->runtime_dir;
  return spec == tunnel.spec();
}

}  // namespace

Result<Tunnel> wanted_tunnel(const SetupRequest& request, const SetupFacts& facts, std::string_view backend,
                             const fs::path& runtime_dir, bool pinned) {
  const auto& previous = facts.previous.tunnel;
  auto spec = request.move && previous ? previous->spec() : requested_spec(request, facts);
  spec.backend = std::string(backend);
  spec.runtime_dir = runtime_dir;
  if (pinned) spec.known_hosts = pin_file(request.name, request.paths);
  HOLDFAST_TRY(auto tunnel, Tunnel::make(std::move(spec)));
  HOLDFAST_CHECK(store::check_reads_back(tunnel));
  return tunnel;
}

Result<std::string> tunnel_file_text(const SetupRequest& request, const SetupFacts& facts, const Tunnel& tunnel) {
  if (store::is_shared(tunnel, request.paths)) return store::format_shared(tunnel);
  if (!request.move) return store::format_tunnel(tunnel);
  if (!facts.tunnel_file)
    return Error{"reading", request.paths.tunnel_file(request.name).string(), "it cannot be read"};
  return store::replace_backend(*facts.tunnel_file, tunnel);
}

Result<backends::Plan> file_steps(const SetupRequest& request, const SetupFacts& facts, const Tunnel& tunnel,
                                  const std::optional<std::string>& pinned_lines) {
  const auto& paths = request.paths;
  const auto write = [&](fs::path file, std::string bytes) {
    return backends::WriteFile{std::move(file), std::move(bytes), paths.file_mode, paths.directory_mode};
  };
  backends::Plan plan;
  const auto pin = pin_file(request.name, paths);
  if (pinned_lines)
    plan.emplace_back(write(pin, *pinned_lines));
  else if (!tunnel->known_hosts && facts.has_pinned_key)
    plan.emplace_back(backends::RemoveFile{pin});
  const bool shared = store::is_shared(tunnel, paths);
  if (!shared || !is_written(tunnel, facts)) {
    HOLDFAST_TRY(auto text, tunnel_file_text(request, facts, tunnel));
    plan.emplace_back(write(paths.tunnel_file(request.name), std::move(text)));
  }
  const auto settings = store::host_settings_file(paths, request.name);
  if (shared)
    plan.emplace_back(write(settings, store::format_host_settings(tunnel)));
  else if (facts.host_settings)
    plan.emplace_back(backends::RemoveFile{settings});
  return plan;
}

bool are_files_in_place(const SetupRequest& request, const SetupFacts& facts, const Tunnel& tunnel) {
  const auto plan = file_steps(request, facts, tunnel, {});
  if (!plan) return false;
  return std::ranges::all_of(*plan, [&](const backends::Step& step) {
    const auto* file = std::get_if<backends::WriteFile>(&step);
    if (file == nullptr) return true;
    return file->bytes ==
           (file->path == request.paths.tunnel_file(request.name) ? facts.tunnel_file : facts.host_settings);
  });
}

}  // namespace holdfast::tunnels
