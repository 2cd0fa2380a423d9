#include "tunnels/exposures.hpp"

#include "core/loopback_endpoint.hpp"
#include "tunnels/installation.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace holdfast::tunnels {
namespace {

constexpr std::chrono::seconds k_timeout(3);  // the supervisor waits 2 s for an answer of the port
constexpr std::chrono::milliseconds k_poll(20);

/// The supervisor may be about to learn where they listen: it does not behind a proxy or on loopback.
bool is_learning(const store::LiveState& live, WallTime now) {
  if (!store::carries(live.state) || now - live.since >= k_timeout) return false;
  const bool may_dial =
      live.engine != "native" || (live.connection && !is_loopback_address(End(live.connection->peer)));
  const auto is_unknown = [](const store::LiveForward& one) {
    return one.bound == store::Bound::unknown && !one.listen.starts_with('/');
  };
  return may_dial && std::ranges::any_of(live.forwards, is_unknown);
}

}  // namespace

std::vector<store::Exposure> await_exposures(const Tunnel& tunnel, const store::Paths& paths, const os::Host& host,
                                             const Observer& observer) {
  const auto job = make_job(tunnel, paths, nominal_user(tunnel, paths, host), host);
  const auto deadline = host.now() + k_timeout;
  const auto read = [&] { return read_live(job.runtime_dir, job.name, paths, host); };
  auto live = read();
  while (live && is_learning(*live, host.wall_now()) && host.now() < deadline && !observer.is_cancelled()) {
    host.sleep_for(k_poll);
    live = read();
  }
  std::vector<store::Exposure> exposures;
  if (!live || !os::is_alive(host, live->supervisor)) return exposures;
  for (const auto& forward : live->forwards)
    if (auto exposure = store::exposure_of(forward.listen, forward.bound)) exposures.push_back(std::move(*exposure));
  return exposures;
}

}  // namespace holdfast::tunnels
