#include "tunnels/setup/runtime_directory.hpp"

#include <algorithm>

namespace holdfast::tunnels {
namespace {

bool could_be_ours(const fs::path& directory, const os::Host& host) {
  if (!store::check_runtime_directory(directory)) return false;
  const auto status = host.status(directory);
  if (status.kind == os::FileKind::missing) return host.status(directory.parent_path()).kind == os::FileKind::directory;
  return status.kind == os::FileKind::directory && status.owner == host.user().uid;
}

}  // namespace

Result<fs::path> runtime_directory_for(const SetupRequest& request, const PreviousTunnel& previous,
                                       const backends::Backend& backend, const Survives& survives, Claim claim,
                                       const os::Host& host, Observer& observer) {
  if (request.paths.scope == Scope::system) return store::system_runtime_directory(request.name);
  // logind removes /run/user/UID after the last session, unless linger is on. Only systemd-user's `survives` shows
  // that.
  const bool lingers = backend.name() == "systemd-user" && survives.logout.kind == Survival::Kind::yes;
  if (previous.here && previous.tunnel && (*previous.tunnel)->runtime_dir) {
    const auto& directory = *(*previous.tunnel)->runtime_dir;
    const bool stays = lingers || directory != store::runtime_directory_candidates(host, true).front();
    if ((stays || (*previous.tunnel)->backend == backend.name()) && could_be_ours(directory, host)) return directory;
  }
  if (claim == Claim::make) {
    std::vector<std::string> passed_over;
    auto chosen = store::choose_runtime_directory(host, lingers, passed_over);
    for (const auto& line : passed_over) observer.detail("passed over: " + line);
    return chosen;
  }
  const auto candidates = store::runtime_directory_candidates(host, lingers);
  const auto usable = std::ranges::find_if(candidates, [&](const fs::path& path) { return could_be_ours(path, host); });
  return usable == candidates.end() ? candidates.back() : *usable;
}

}  // namespace holdfast::tunnels
