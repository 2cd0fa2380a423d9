#include "tunnels/setup/setup_facts.hpp"

#include "backends/host/logind.hpp"
#include "backends/plan/apply.hpp"
#include "store/host_settings.hpp"
#include "store/tunnel_file.hpp"
#include "tunnels/removal.hpp"
#include "tunnels/unresponsive_paths.hpp"

#include <algorithm>

#include <unistd.h>

namespace holdfast::tunnels {
namespace {

Result<> check_home(const store::Paths& paths, const os::Host& host) {
  if (paths.scope == Scope::system) return {};
  const auto home = host.user().home;
  const auto kind = host.status(home).kind;
  if (kind == os::FileKind::directory || kind == os::FileKind::symlink) return {};
  return Error{"finding", "your home directory " + home.string(),
               kind == os::FileKind::missing ? "it does not exist" : "it is not a directory",
               "set HOME to the right one"};
}

std::optional<std::string> contents(const fs::path& file, const os::Host& host) {
  auto text = host.read_file(file, store::k_largest_tunnel_file);
  if (!text) return std::nullopt;
  return std::move(*text);
}

/// The jobs of PreviousTunnel know their user by name only, which is not enough to install one.
bool is_in_place(const PreviousTunnel& previous, const SetupRequest& request, const os::Host& host) {
  const auto job = make_job(*previous.tunnel, request.paths, request.run_as, host);
  const auto plan = previous.installed_jobs.front().backend->install(job, host);
  return plan && std::ranges::all_of(*plan, [&](const auto& step) { return backends::is_in_place(step, host); });
}

}  // namespace

Result<SetupFacts> collect_facts(const SetupRequest& request, const os::Host& host) {
  const auto& paths = request.paths;
  HOLDFAST_CHECK(check_for_unresponsive_paths(host));
  HOLDFAST_CHECK(check_home(paths, host));
  SetupFacts facts{.hostname = host.hostname(), .machine = store::machine_mark(host)};
  facts.own_process = host.process(::getpid());
  facts.previous = find_previous_tunnel(request.name, paths, host);
  facts.other_hosts = store::other_hosts_with(host, paths, request.name);
  facts.tunnel_file = contents(paths.tunnel_file(request.name), host);
  if (auto written = store::load_as_written(host, paths, request.name)) facts.tunnel_as_written = std::move(*written);
  facts.host_settings = contents(store::host_settings_file(paths, request.name), host);
  facts.has_pinned_key = host.status(pin_file(request.name, paths)).kind != os::FileKind::missing;
  const auto& previous = facts.previous;
  if (previous.tunnel && previous.live && !previous.installed_jobs.empty()) {
    facts.job_in_place = is_in_place(previous, request, host);
    HOLDFAST_TRY(facts.arrival,
                 wait_until_up(previous.installed_jobs.front(), {}, host, std::chrono::milliseconds(0), Observer()));
  }
  if (paths.scope == Scope::user) {
    const bool left_on = previous.half_moved && !previous.half_moved->was_lingering;
    facts.was_lingering = !left_on && backends::is_lingering(host, host.user());
  }
  return facts;
}

}  // namespace holdfast::tunnels
