#include "tunnels/setup/previous_tunnel.hpp"

#include "backends/plan/apply.hpp"
#include "store/host_settings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {

Result<PreviousTunnel> PreviousTunnel::find(const TunnelName& name, const store::Paths& paths,
                                            const std::optional<std::string>& wanted_host, const os::Host& host) {
  PreviousTunnel previous;
  previous.existed_ = store::exists(host, paths, name);
  if (!previous.existed_) return previous;
  const store::Entry entry{name, store::load(host, paths, name)};
  if (entry.tunnel) previous.tunnel_ = *entry.tunnel;
  if (previous.tunnel_ && is_elsewhere(*previous.tunnel_, host) && wanted_host != host.hostname()) {
    const auto& owner = (*previous.tunnel_)->host;
    return Error{"setting up", "tunnel " + name.text(), "there is one of that name, and it belongs to host " + owner,
                 fmt::format("give this one another name with -n; if {} is gone for good, take it over: --host {}",
                             owner, host.hostname())};
  }
  previous.half_moved_ = store::read_hand_over(host, paths, name);
  previous.installed_jobs_ = installed_jobs_of(entry, paths, host);
  for (const auto& installed_job : previous.installed_jobs_) {
    const auto known = query_one(*installed_job.backend, installed_job.job, host);
    previous.ran_ = previous.ran_ || (known && (known->running || known->restarting));
    auto live = read_live(installed_job.job.runtime_dir, name, paths, host);
    if (!live) continue;
    const bool supervised = os::is_alive(host, live->supervisor);
    if (live->state == store::TunnelState::up && (supervised || (live->ssh && os::is_alive(host, *live->ssh)))) {
      previous.holds_forwards_ = true;
      previous.bastion_ = live->bastion;
    }
    if (supervised) previous.live_ = std::move(live);
  }
  previous.ran_ = previous.ran_ || previous.live_;
  const bool by_others =
      previous.tunnel_ && (is_elsewhere(*previous.tunnel_, host) || (store::is_shared(*previous.tunnel_, paths) &&
                                                                     !store::read_host_settings(host, paths, name)));
  previous.here_ = previous.ran_ || previous.holds_forwards_ || !by_others;
  // What another host keeps in the home is not ours to stop or to uninstall.
  if (!previous.here_) previous.installed_jobs_.clear();
  return previous;
}

bool PreviousTunnel::lives_in(const fs::path& runtime_directory) const {
  return std::ranges::any_of(installed_jobs_,
                             [&](const InstalledJob& h) { return h.job.runtime_dir == runtime_directory; });
}

Result<> PreviousTunnel::prepare_release(const os::Host& host) {
  HOLDFAST_TRY(release_, release_plan(installed_jobs_.front(), host));
  return {};
}

Result<> PreviousTunnel::release(os::Host& host) {
  stopped_ = true;
  return tunnels::release(release_, live_->supervisor, host);
}

Result<> PreviousTunnel::stop(os::Host& host) {
  stopped_ = true;
  HOLDFAST_CHECK(stop_installed_jobs(installed_jobs_, host));
  return {};
}

Result<> PreviousTunnel::bring_back(os::Host& host) const {
  if (!stopped_ || !ran_ || !tunnel_) return {};
  constexpr std::chrono::milliseconds k_timeout{10000};
  const auto& installed_job = installed_jobs_.front();
  HOLDFAST_TRY(const auto plan, installed_job.backend->start(installed_job.job, host));
  HOLDFAST_CHECK(backends::apply(plan, host));
  // Whoever called the setup off has done so; that it is not up yet, its own status tells.
  (void)wait_until_up(installed_job, {}, host, k_timeout, Observer());
  return {};
}

}  // namespace holdfast::tunnels
