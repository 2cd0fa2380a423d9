// The connection that carries the tunnel: its state, its keepalive, and the addresses that its routes lead to.
#include "os/tcp_flow.hpp"
#include "supervisor/loop/loop_impl.hpp"

#include <algorithm>

namespace holdfast::supervisor {

ConnectionStatus Loop::Impl::connection_status() const {
  const auto pair = connections.current();
  if (!pair) return {};
  using Flow = ConnectionStatus::Flow;
  ConnectionStatus status{.route = os::route_status_of(*pair)};
  if (const auto flow = os::flow_of(*pair)) status.flow = flow->unanswered == 0 ? Flow::heard : Flow::silent;
  const bool has_sockets = std::ranges::any_of(
      tunnel->forwards, [](const Forward& forward) { return std::holds_alternative<SocketEnd>(forward.target()); });
  // Each session through the tunnel has a connection to its target.
  status.occupied = has_sockets || !ssh_pid() || os::established_connections(*ssh_pid()) != 1;
  return status;
}

void Loop::Impl::watch_flow() {
  if (const auto pair = connections.current()) flow_watch.start(*pair);
}

/// The kernel's keepalive notices a dead connection and tells it to FlowWatch, so ssh's own is only a second line.
/// Where the kernel's cannot be set, ssh's packets take its place. Behind a proxy there is neither.
ssh::Keepalive Loop::Impl::keepalive() const {
  if (connections.was_behind_proxy(active_tunnel->bastion.text())) return {};
  if (tunes_connections) return {std::chrono::seconds(60), 3};
  return {tunnel->keepalive, static_cast<int>(std::max(os::k_flow_limit / tunnel->keepalive, std::int64_t{1}))};
}

std::optional<std::string> Loop::Impl::bastion_address() const {
  const auto pair = connections.current();
  return pair ? std::optional(pair->peer.host) : std::nullopt;
}

std::vector<std::string> Loop::Impl::route_peers() const {
  std::vector<std::string> peers;
  if (const auto pair = connections.current()) peers.push_back(pair->peer.host);
  if (!peers.empty()) return peers;
  for (std::size_t at = 0; at < tunnel.bastions(); ++at)
    if (const auto last = connections.last(tunnel.bastion(at).text())) peers.push_back(last->peer.host);
  return peers;
}

}  // namespace holdfast::supervisor
