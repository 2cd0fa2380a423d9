#include "store/host_settings.hpp"

#include "core/text.hpp"
#include "store/installation_record.hpp"
#include "store/private_file.hpp"
#include "store/tunnel_file.hpp"
#include "store/tunnel_store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::store {
namespace {

constexpr std::size_t k_largest = 1024;
constexpr std::string_view k_backend = "backend = ";
constexpr std::string_view k_runtime_dir = "runtime-dir = ";

}  // namespace

bool is_shared(const Tunnel& tunnel, const Paths& paths) {
  return paths.scope == Scope::user && tunnel->host == k_any_host;
}

fs::path host_settings_file(const Paths& paths, const TunnelName& name) { return paths.state_file(name, "host"); }

std::string format_host_settings(const Tunnel& tunnel) {
  return fmt::format("{}{}\n{}{}\n", k_backend, tunnel->backend, k_runtime_dir,
                     tunnel->runtime_dir.value_or(fs::path()).native());
}

std::optional<HostSettings> read_host_settings(const os::Host& host, const Paths& paths, const TunnelName& name) {
  if (paths.scope != Scope::user) return std::nullopt;
  const auto text = read_private_file(host, host_settings_file(paths, name), k_largest);
  if (!text || !text->ends_with('\n')) return std::nullopt;
  const auto lines = split(text->substr(0, text->size() - 1), '\n');
  if (lines.size() != 2 || !lines[0].starts_with(k_backend) || !lines[1].starts_with(k_runtime_dir))
    return std::nullopt;
  HostSettings settings{lines[0].substr(k_backend.size()), lines[1].substr(k_runtime_dir.size())};
  if (!is_backend_name(settings.backend) || has_control_bytes(settings.runtime_dir.native()) ||
      !settings.runtime_dir.is_absolute() || !check_runtime_directory(settings.runtime_dir))
    return std::nullopt;
  return settings;
}

std::vector<HostSettingsOf> host_settings(const os::Host& host, const Paths& paths) {
  constexpr std::string_view k_suffix = ".host";
  std::vector<HostSettingsOf> found;
  const fs::path all = paths.state.parent_path();
  for (const std::string& directory : host.list(all)) {
    Paths other = paths;
    other.state = all / directory;
    for (const std::string& file : host.list(other.state)) {
      if (!file.ends_with(k_suffix)) continue;
      const auto name = TunnelName::parse(std::string_view(file).substr(0, file.size() - k_suffix.size()));
      if (!name) continue;
      if (auto settings = read_host_settings(host, other, *name))
        found.push_back({directory, name->text(), std::move(*settings)});
    }
  }
  return found;
}

std::string format_shared(const Tunnel& tunnel) {
  auto spec = tunnel.spec();
  spec.runtime_dir.reset();
  const auto shared = Tunnel::make(std::move(spec));
  return format_tunnel(shared ? *shared : tunnel);
}

std::vector<std::string> other_hosts_with(const os::Host& host, const Paths& paths, const TunnelName& name) {
  std::vector<std::string> hosts;
  if (paths.scope != Scope::user) return hosts;
  const fs::path all = paths.state.parent_path();
  for (const std::string& directory : host.list(all)) {
    if (directory == paths.state.filename().native()) continue;
    Paths other = paths;
    other.state = all / directory;
    const auto record = InstallationRecord::load(host, other);
    if (record && record->tunnels().contains(name.text())) hosts.push_back(directory);
  }
  return hosts;
}

std::string machine_mark(const os::Host& host) {
  constexpr std::size_t k_longest = 128;
  const auto text = host.read_file("/etc/machine-id", k_longest);
  const std::string id(text ? trim(*text) : std::string_view());
  constexpr std::size_t k_digits = 32;
  const bool valid = id.size() == k_digits &&
                     std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return valid ? fmt::format("{:016x}", fnv1a("holdfast " + id)) : std::string();
}

}  // namespace holdfast::store
