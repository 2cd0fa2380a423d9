#include "tunnels/setup/previous_tunnel.hpp"

#include "backends/plan/apply.hpp"
#include "store/host_settings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::tunnels {

Result<FormerTunnel> FormerTunnel::find(const TunnelName& name, const store::Places& places,
                                        const std::optional<std::string>& wanted_host, const os::Host& host) {
  FormerTunnel former;
  former.existed_ = store::exists(host, places, name);
  if (!former.existed_) return former;
  const store::Entry entry{name, store::load(host, places, name)};
  if (entry.tunnel) former.tunnel_ = *entry.tunnel;
  if (former.tunnel_ && is_elsewhere(*former.tunnel_, host) && wanted_host != host.hostname()) {
    const auto& owner = (*former.tunnel_)->host;
    return Error{"setting up", "tunnel " + name.text(), "there is one of that name, and it belongs to host " + owner,
                 fmt::format("give this one another name with -n; if {} is gone for good, take it over: --host {}",
                             owner, host.hostname())};
  }
  former.half_moved_ = store::read_hand_over(host, places, name);
  former.holders_ = holders_of(entry, places, host);
  for (const auto& holder : former.holders_) {
    const auto known = query_one(*holder.backend, holder.job, host);
    former.ran_ = former.ran_ || (known && (known->running || known->restarting));
    auto live = read_live(holder.job.runtime_dir, name, places, host);
    if (!live) continue;
    const bool supervised = os::is_alive(host, live->supervisor);
    if (live->state == store::TunnelState::up && (supervised || (live->ssh && os::is_alive(host, *live->ssh)))) {
      former.holds_forwards_ = true;
      former.bastion_ = live->bastion;
    }
    if (supervised) former.live_ = std::move(live);
  }
  former.ran_ = former.ran_ || former.live_;
  const bool by_others =
      former.tunnel_ && (is_elsewhere(*former.tunnel_, host) ||
                         (store::is_shared(*former.tunnel_, places) && !store::read_host_part(host, places, name)));
  former.here_ = former.ran_ || former.holds_forwards_ || !by_others;
  // What another host keeps in the home is not ours to stop or to uninstall.
  if (!former.here_) former.holders_.clear();
  return former;
}

bool FormerTunnel::lives_in(const fs::path& runtime_directory) const {
  return std::ranges::any_of(holders_, [&](const Holder& h) { return h.job.runtime_dir == runtime_directory; });
}

Result<> FormerTunnel::prepare_release(const os::Host& host) {
  HOLDFAST_TRY(release_, release_plan(holders_.front(), host));
  return {};
}

Result<> FormerTunnel::release(os::Host& host) {
  stopped_ = true;
  return tunnels::release(release_, live_->supervisor, host);
}

Result<> FormerTunnel::stop(os::Host& host) {
  stopped_ = true;
  HOLDFAST_CHECK(stop_holders(holders_, host));
  return {};
}

Result<> FormerTunnel::bring_back(os::Host& host) const {
  if (!stopped_ || !ran_ || !tunnel_) return {};
  constexpr std::chrono::milliseconds k_patience{10000};
  const auto& holder = holders_.front();
  HOLDFAST_TRY(const auto plan, holder.backend->start(holder.job, host));
  HOLDFAST_CHECK(backends::apply(plan, host));
  // Whoever called the setup off has done so; that it is not up yet, its own status tells.
  (void)wait_until_up(holder, {}, host, k_patience, Observer());
  return {};
}

}  // namespace holdfast::tunnels
