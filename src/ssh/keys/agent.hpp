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

/// Blocks for `timeout` at most.
[[nodiscard]] AgentState probe_agent(const boost::filesystem::path& socket, std::chrono::milliseconds timeout);

}  // namespace holdfast::ssh
