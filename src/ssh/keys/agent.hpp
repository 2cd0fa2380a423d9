// Asks an ssh agent which keys it has. draft-miller-ssh-agent.
#pragma once

#include <boost/filesystem/path.hpp>

#include <chrono>

namespace holdfast::ssh {

enum class AgentState {
  unreachable,  ///< no agent listens at that socket
  silent,       ///< it accepts connections and does not answer; ssh waits for it without end
  empty,
  has_keys,
};

/// Connects, and asks for the keys. Does not block. `descriptor`, which the caller closes, becomes readable when the
/// agent answers. It is -1 when no agent listens there (`state` is unreachable), or when none accepts (silent).
struct AgentRequest {
  int descriptor = -1;
  AgentState state = AgentState::unreachable;
};
[[nodiscard]] AgentRequest request_agent_keys(const boost::filesystem::path& socket);

/// Blocks for `timeout` at most.
[[nodiscard]] AgentState probe_agent(const boost::filesystem::path& socket, std::chrono::milliseconds timeout);

}  // namespace holdfast::ssh
