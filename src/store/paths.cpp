#include "store/paths.hpp"

#include "core/text.hpp"
#include "os/directories.hpp"

#include <fmt/format.h>

namespace holdfast::store {
namespace {

/// $variable when it is an absolute path, else `fallback`.
fs::path base_directory(const os::Host& host, const char* variable, const fs::path& fallback) {
  auto value = host.env(variable);
  if (!value || value->empty() || value->front() != '/' || has_control_bytes(*value)) return fallback;
  while (value->size() > 1 && value->back() == '/') value->pop_back();
  return fs::path(*value).lexically_normal();
}

}  // namespace

fs::path Paths::state_directory(const TunnelName& name) const {
  return scope == Scope::system ? state / name.text() : state;
}

fs::path Paths::state_file(const TunnelName& name, const std::string& suffix) const {
  return state_directory(name) / (name.text() + "." + suffix);
}

std::string host_directory_name(const std::string& hostname) {
  const bool fits = consists_of(hostname, ".-_") && hostname.size() <= 255 && hostname.front() != '.';
  return fits ? hostname : fmt::format("host-{:08x}", static_cast<std::uint32_t>(fnv1a(hostname)));
}

Result<Paths> paths(Scope scope, const os::Host& host) {
  Paths out;
  out.scope = scope;
  if (scope == Scope::system) {
    out.config = "/etc/holdfast";
    out.state = "/var/lib/holdfast";
    out.file_mode = 0644;
    out.directory_mode = 0755;
  } else {
    const fs::path home = host.user().home;
    if (!home.is_absolute())
      return Error{"finding", "your home directory", "HOME is not set to an absolute path", "set HOME"};
    out.config = base_directory(host, "XDG_CONFIG_HOME", home / ".config") / "holdfast";
    out.state = base_directory(host, "XDG_STATE_HOME", home / ".local/state") / "holdfast" /
                host_directory_name(host.hostname());
  }
  out.tunnels = out.config / "tunnels";
  out.templates = out.config / "templates";
  return out;
}

Result<> check_runtime_directory(const fs::path& directory) {
  const std::size_t length = (directory / "01234567.s").size();
  if (length <= k_longest_control_path) return {};
  return Error{"using", directory.native(),
               fmt::format("the path of the control socket would have {} bytes; the limit is {}", length,
                           k_longest_control_path),
               "choose a shorter runtime directory"};
}

RuntimeFiles runtime_files(const TunnelName& name, const fs::path& directory) {
  const auto named = [&](const char* suffix) { return directory / (name.text() + suffix); };
  RuntimeFiles files;
  files.directory = directory;
  const auto hash = static_cast<std::uint32_t>(fnv1a(name.text()));
  files.control = directory / fmt::format("{:08x}.s", hash);
  files.probe = directory / fmt::format("{:08x}.p", hash);
  files.lock = named(".lock");
  files.next = named(".next");
  files.live = named(".live");
  files.pidfile = named(".pid");
  files.ssh_log = named(".ssh.log");
  files.ssh_err = named(".ssh.err");
  files.autossh_log = named(".autossh.log");
  files.failback_probe = directory / fmt::format("{:08x}.t", hash);
  files.failback_log = named(".trial.log");
  files.failback_err = named(".trial.err");
  return files;
}

std::vector<fs::path> runtime_directory_candidates(const os::Host& host, bool lingering) {
  const std::string uid = std::to_string(host.user().uid);
  std::vector<fs::path> candidates;
  if (lingering)
    candidates.push_back(base_directory(host, "XDG_RUNTIME_DIR", fs::path("/run/user") / uid) / "holdfast");
  for (const char* root : {"/tmp", "/var/tmp", "/dev/shm"}) candidates.push_back(fs::path(root) / ("holdfast-" + uid));
  return candidates;
}

Result<fs::path> choose_runtime_directory(const os::Host& host, bool lingering, std::vector<std::string>& passed_over) {
  return choose_runtime_directory(host, runtime_directory_candidates(host, lingering), passed_over);
}

Result<fs::path> choose_runtime_directory(const os::Host& host, const std::vector<fs::path>& candidates,
                                          std::vector<std::string>& passed_over) {
  for (const fs::path& candidate : candidates) {
    auto fits = check_runtime_directory(candidate);
    if (fits) fits = os::claim_private_directory(candidate, host.user().uid);
    if (fits) return candidate;
    passed_over.push_back(fits.error().line());
  }
  Error error{"finding", "a runtime directory", "no candidate is usable", "make /tmp writable"};
  if (!passed_over.empty()) error.cause += "; last one: " + passed_over.back();
  return error;
}

fs::path system_runtime_directory(const TunnelName& name) { return fs::path("/run/holdfast") / name.text(); }

}  // namespace holdfast::store
