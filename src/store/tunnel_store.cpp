#include "store/tunnel_store.hpp"

#include "core/text.hpp"
#include "store/host_settings.hpp"
#include "store/installation_record.hpp"
#include "store/private_file.hpp"
#include "store/tunnel_file.hpp"

#include <fmt/format.h>
#include <boost/filesystem/operations.hpp>

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace holdfast::store {
namespace {

Error refuse(const fs::path& path, std::string cause, std::string hint = {}) {
  return Error{"reading", path.native(), std::move(cause), std::move(hint)};
}

/// The owner must be this user or root. In the system scope it must be root, since root's systemd acts on the file.
Result<> check_owner(const os::Host& host, const Paths& paths, const fs::path& path, const os::FileStatus& status) {
  const uid_t us = host.user().uid;
  const bool trusted = status.owner == 0 || (paths.scope == Scope::user && status.owner == us);
  if (trusted) return {};
  return refuse(path,
                fmt::format("uid {} owns it, not {}", status.owner, paths.scope == Scope::system ? "root" : "you"),
                "remove it, or change its owner with chown");
}

Result<> check_closed(const Paths& paths, const fs::path& path, const os::FileStatus& status) {
  if ((status.mode & k_others_write) == 0) return {};
  const char* sudo = paths.scope == Scope::system ? "sudo " : "";
  return refuse(path, "other users can write to it", fmt::format("{}chmod go-w {}", sudo, path.native()));
}

Result<> check_directory(const os::Host& host, const Paths& paths) {
  const os::FileStatus status = host.status(paths.tunnels);
  if (status.kind == os::FileKind::symlink) return check_owner(host, paths, paths.tunnels, status);
  HOLDFAST_CHECK(check_owner(host, paths, paths.tunnels, status));
  return check_closed(paths, paths.tunnels, status);
}

/// `path`, or the target of a symlink that this user owns.
Result<fs::path> resolve_link(const os::Host& host, const Paths& paths, const fs::path& path) {
  const os::FileStatus status = host.status(path);
  if (status.kind != os::FileKind::symlink) return path;
  HOLDFAST_CHECK(check_owner(host, paths, path, status));
  boost::system::error_code failed;
  fs::path target = boost::filesystem::canonical(path, failed);
  if (failed) return refuse(path, "the target of this link is missing", "remove the link, or restore its target");
  return target;
}

// Numbers by value, then other names: 80, 2222, 10022, lab.
auto sort_key(const TunnelName& name) {
  const auto number = parse_number(name.text(), 0, UINT32_MAX);
  return std::tuple(!number.has_value(), number.value_or(0), name.text());
}

}  // namespace

Result<std::optional<Tunnel>> load_changed(const os::Host& host, const Paths& paths, const Tunnel& running) {
  HOLDFAST_TRY(const auto loaded, load(host, paths, running->name));
  auto spec = loaded.spec();
  if (!spec.runtime_dir) spec.runtime_dir = running->runtime_dir;
  HOLDFAST_TRY(auto fresh, Tunnel::make(std::move(spec)));
  if (fresh.spec() == running.spec()) return std::optional<Tunnel>();
  const auto needs_restart = [&](const char* key) {
    return Error{"changing", key, "the change takes effect after a restart",
                 "holdfast restart " + running->name.text()};
  };
  if (fresh->runtime_dir != running->runtime_dir) return needs_restart("runtime_dir");
  if (fresh->engine != running->engine) return needs_restart("engine");
  return std::optional(std::move(fresh));
}

bool exists(const os::Host& host, const Paths& paths, const TunnelName& name) {
  return host.status(paths.tunnel_file(name)).kind != os::FileKind::missing;
}

Result<Tunnel> load_as_written(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const fs::path path = paths.tunnel_file(name);
  if (!exists(host, paths, name)) {
    Error error{"finding", "tunnel " + name.text(), "no such tunnel", "holdfast status lists the tunnels"};
    error.status = ExitStatus::no_such_tunnel;
    return error;
  }
  HOLDFAST_CHECK(check_directory(host, paths));
  HOLDFAST_TRY(const fs::path file, resolve_link(host, paths, path));
  const os::FileStatus status = host.status(file);
  if (status.kind != os::FileKind::regular)
    return refuse(path, "it is not a regular file", "move it away, then run holdfast setup again");
  HOLDFAST_CHECK(check_owner(host, paths, file, status));
  HOLDFAST_CHECK(check_closed(paths, file, status));
  if (status.size > k_largest_tunnel_file)
    return refuse(path,
                  fmt::format("the file has {} bytes, more than the {} allowed", status.size, k_largest_tunnel_file),
                  "restore the file, or run holdfast setup again");
  HOLDFAST_TRY(const std::string text, host.read_file(file, k_largest_tunnel_file));
  // No home in the system scope: root writes the file, and the tunnel runs as another user.
  const fs::path home = paths.scope == Scope::user ? host.user().home : fs::path();
  return parse_tunnel(name, text, path.native(), home);
}

Result<Tunnel> load(const os::Host& host, const Paths& paths, const TunnelName& name) {
  HOLDFAST_TRY(auto tunnel, load_as_written(host, paths, name));
  if (!is_shared(tunnel, paths)) return tunnel;
  auto settings = read_host_settings(host, paths, name);
  if (!settings) return tunnel;
  auto spec = tunnel.spec();
  spec.backend = std::move(settings->backend);
  spec.runtime_dir = std::move(settings->runtime_dir);
  return Tunnel::make(std::move(spec));
}

namespace {

/// The tunnel has no file that lstat(2) finds.
Error why_missing(const os::Host& host, const Paths& paths, const TunnelName& name) {
  const fs::path file = paths.tunnel_file(name);
  const auto text = host.read_file(file, k_largest_tunnel_file);
  const bool is_missing = text || text.error().error_number == ENOENT;
  if (!is_missing)
    return refuse(file, text.error().cause,
                  fmt::format("make {} a directory that you can read", paths.tunnels.native()));
  Error error{"finding", file.native(),
              "the file was removed by hand or on another host, but the tunnel is still installed here",
              "holdfast remove " + name.text()};
  error.status = ExitStatus::no_such_tunnel;
  return error;
}

}  // namespace

std::vector<Entry> orphaned_installations(const os::Host& host, const Paths& paths) {
  std::vector<Entry> entries;
  const auto record = InstallationRecord::load(host, paths);
  if (!record) return entries;
  for (const std::string& text : record->tunnels()) {
    auto name = TunnelName::parse(text);
    if (!name || exists(host, paths, *name)) continue;
    auto error = why_missing(host, paths, *name);
    entries.push_back({std::move(*name), std::move(error)});
  }
  return entries;
}

bool is_known(const os::Host& host, const Paths& paths, const TunnelName& name) {
  if (exists(host, paths, name)) return true;
  const auto record = InstallationRecord::load(host, paths);
  return record && record->tunnels().contains(name.text());
}

bool is_backend_in_use(const os::Host& host, const Paths& paths, std::string_view backend, const TunnelName& except) {
  for (const auto& entry : load_all(host, paths))
    if (entry.name.text() != except.text() && (!entry.tunnel || (*entry.tunnel)->backend == backend)) return true;
  const auto all = host_settings(host, paths);
  return std::ranges::any_of(all, [&](const HostSettingsOf& one) {
    return one.settings.backend == backend &&
           (one.host != paths.state.filename().native() || one.tunnel != except.text());
  });
}

std::vector<TunnelName> tunnel_names(const os::Host& host, const Paths& paths) {
  constexpr std::string_view k_suffix = ".conf";
  std::vector<TunnelName> names;
  for (const std::string& file : host.list(paths.tunnels)) {
    if (file.size() <= k_suffix.size() || !file.ends_with(k_suffix)) continue;
    auto name = TunnelName::parse(std::string_view(file).substr(0, file.size() - k_suffix.size()));
    if (name) names.push_back(std::move(*name));
  }
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return sort_key(a) < sort_key(b); });
  return names;
}

std::vector<Entry> load_all(const os::Host& host, const Paths& paths) {
  auto names = tunnel_names(host, paths);
  std::vector<Entry> entries;
  entries.reserve(names.size());
  for (TunnelName& name : names) {
    auto tunnel = load(host, paths, name);
    entries.push_back(Entry{std::move(name), std::move(tunnel)});
  }
  return entries;
}

}  // namespace holdfast::store
