#include "ssh/client/route_agents.hpp"

#include "core/tunnel.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace holdfast::ssh {
namespace {

std::optional<fs::path> agent_socket(const std::string& agent, const fs::path& home) {
  // The job has no SSH_AUTH_SOCK.
  if (agent == "none" || agent == "SSH_AUTH_SOCK" || agent.find_first_of("$%") != std::string::npos)
    return std::nullopt;
  const auto file = resolve_identity(agent, home, home);
  return file ? std::optional(*file) : std::nullopt;
}

}  // namespace

std::vector<fs::path> route_agents(const ResolvedRoute& route, const Tunnel& tunnel, const fs::path& home) {
  std::vector<std::string> named = route.jump_agents;
  if (!tunnel->identity && route.destination.agent) named.push_back(*route.destination.agent);
  std::vector<fs::path> sockets;
  for (const auto& agent : named) {
    const auto socket = agent_socket(agent, home);
    if (socket && std::ranges::find(sockets, *socket) == sockets.end()) sockets.push_back(*socket);
  }
  return sockets;
}

}  // namespace holdfast::ssh
