#include "tunnels/running.hpp"

#include "backends/plan/apply.hpp"
#include "store/hand_over.hpp"
#include "tunnels/name_lock.hpp"
#include "tunnels/ownership.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::milliseconds k_patience{30000};

/// A tunnel of this host that nobody else changes while this lives.
struct Held {
  NameLock lock;
  store::Entry entry;
  std::vector<Holder> holders;
};

Result<Held> hold(const TunnelName& name, const store::Places& places, os::Host& host) {
  HOLDFAST_TRY(auto lock, NameLock::take(name, places, host));
  store::Entry entry{name, store::load(host, places, name)};
  if (entry.tunnel && is_elsewhere(*entry.tunnel, host)) {
    auto why = explain_elsewhere(*entry.tunnel, host);
    return Error{"reaching", "tunnel " + name.text(), std::move(why.message), std::move(why.hint)};
  }
  auto holders = holders_of(entry, places, host);
  return Held{std::move(lock), std::move(entry), std::move(holders)};
}

std::optional<os::ProcessId> living_supervisor(const Holder& holder, const os::Host& host) {
  const auto live = read_live(holder.job.runtime_dir, holder.job.name, holder.job.places, host);
  if (live && os::is_alive(host, live->supervisor)) return live->supervisor;
  return std::nullopt;
}

/// The one that holds a sound tunnel; the reason why there is none otherwise.
Result<Holder> sole_holder(const Held& held) {
  if (!held.entry.tunnel) return held.entry.tunnel.error();
  HOLDFAST_CHECK(backend_of(*held.entry.tunnel));
  return held.holders.front();
}

Result<> apply_start(const Holder& holder, os::Host& host) {
  HOLDFAST_TRY(const auto plan, holder.backend->start(holder.job, host));
  auto started = backends::apply(plan, host);
  if (started) return {};
  auto error = std::move(started).error();
  const auto known = query_one(*holder.backend, holder.job, host);
  if (known && !known->installed) {
    error.cause = "it is not installed with " + std::string(holder.backend->name()) + " any more";
    error.hint = "run holdfast setup again";
  }
  return error;
}

Result<Arrival> arrived(const TunnelName& name, Arrival arrival) {
  if (arrival.up || arrival.standing_by) return arrival;
  const auto& failure = arrival.failure;
  const auto cause = failure ? failure->message : fmt::format("nothing was heard for {} s", k_patience.count() / 1000);
  return Error{"waiting for", "tunnel " + name.text() + ", which is started", cause,
               failure && !failure->hint.empty() ? failure->hint : "holdfast logs " + name.text(), ExitStatus::not_up};
}

Result<Arrival> restart(const Held& held, const Holder& holder, os::Host& host, const Observer& observer) {
  const auto former = living_supervisor(holder, host);
  HOLDFAST_CHECK(stop_holders({holder}, host));
  HOLDFAST_CHECK(apply_start(holder, host));
  HOLDFAST_TRY(auto arrival, wait_until_up(holder, former, host, k_patience, observer));
  return arrived(held.entry.name, std::move(arrival));
}

/// While the note is there a supervisor that is stopped leaves its ssh, and the next one waits for it. Under systemd
/// ExecStopPost= sees to that; and root has no note that a tunnel's user would believe.
Result<Arrival> restart_noted(const Holder& holder, const os::ProcessId& former, os::Host& host,
                              const Observer& observer) {
  const auto& job = holder.job;
  const bool noted = job.places.scope == Scope::user;
  const auto self = host.process(::getpid());
  const std::string backend(holder.backend->name());
  if (noted && self)
    HOLDFAST_CHECK(store::keep_hand_over(host, job.places, job.name, {*self, backend, backend, job.runtime_dir, true}));
  const auto restart = [&]() -> Result<Arrival> {
    HOLDFAST_TRY(const auto plan, holder.backend->restart(job, host));
    HOLDFAST_CHECK(backends::apply(plan, host));
    HOLDFAST_CHECK(release({}, former, host));  // one that was started by hand
    return wait_until_up(holder, former, host, k_patience, observer);
  };
  auto arrival = restart();
  if (noted) HOLDFAST_CHECK(host.remove_file(store::hand_over_file(job.places, job.name)));
  return arrival;
}

}  // namespace

Result<Arrival> start_tunnel(const TunnelName& name, const store::Places& places, os::Host& host,
                             const Observer& observer) {
  HOLDFAST_TRY(const auto held, hold(name, places, host));
  HOLDFAST_TRY(const auto holder, sole_holder(held));
  if (!living_supervisor(holder, host)) HOLDFAST_CHECK(apply_start(holder, host));
  HOLDFAST_TRY(auto arrival, wait_until_up(holder, {}, host, k_patience, observer));
  return arrived(name, std::move(arrival));
}

Result<Stopped> stop_tunnel(const TunnelName& name, const store::Places& places, os::Host& host) {
  HOLDFAST_TRY(const auto held, hold(name, places, host));
  return stop_holders(held.holders, host);
}

Result<Arrival> restart_tunnel(const TunnelName& name, const store::Places& places, os::Host& host,
                               const Observer& observer) {
  HOLDFAST_TRY(const auto held, hold(name, places, host));
  HOLDFAST_TRY(const auto holder, sole_holder(held));
  return restart(held, holder, host, observer);
}

Result<Arrival> restart_keeping_connection(const TunnelName& name, const store::Places& places, os::Host& host,
                                           Observer& observer) {
  HOLDFAST_TRY(const auto held, hold(name, places, host));
  HOLDFAST_TRY(const auto holder, sole_holder(held));
  const auto& job = holder.job;
  const auto before = read_live(job.runtime_dir, job.name, job.places, host);
  const bool half_moved = held.holders.size() > 1;
  if (half_moved || !before || !os::is_alive(host, before->supervisor)) return restart(held, holder, host, observer);
  HOLDFAST_TRY(auto arrival, restart_noted(holder, before->supervisor, host, observer));
  const auto after = read_live(job.runtime_dir, job.name, job.places, host);
  if (before->ssh && after && after->ssh != before->ssh)
    observer.warn("its connection could not be kept: the tunnel has connected anew");
  return arrived(name, std::move(arrival));
}

}  // namespace holdfast::tunnels
