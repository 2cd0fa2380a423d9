// What a laptop's ~/.ssh/config needs to come in through the bastion, as data and as text. Pure.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/client/resolution.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// One Host block.
struct ClientHost {
  std::string alias;  ///< what is typed after ssh
  std::string hostname;
  std::uint16_t port = 22;
  std::optional<std::string> user = {};  ///< nothing: the target is another machine, whose users nobody here knows
  std::optional<std::string> proxy_jump = {};  ///< nothing: through a port of the laptop's own, which `before` opens
  std::string host_key_alias;
  std::optional<std::string> before = {};  ///< the command that has to run meanwhile: ssh can jump to no socket
  Forward forward;
};

/// A forward that leads to something other than ssh: the command that has it on the laptop.
struct ClientForward {
  std::string command;
  Forward forward;
};

struct ClientConfig {
  TunnelName name;
  std::string bastion;  ///< as the tunnel's file has it
  std::string host;     ///< where the tunnel leads: this host's name, or "any"
  std::string proxy_jump;
  std::vector<std::string> proxy_commands = {};
  std::vector<ClientHost> hosts = {};
  std::vector<ClientForward> forwards = {};
};

/// `speaks_ssh`: of each forward, whether its target does; `user`: who logs in on this machine, may be empty; `host`:
/// this machine's name.
[[nodiscard]] ClientConfig client_config(const Tunnel& tunnel, const ssh::ResolvedRoute& way,
                                         const std::vector<bool>& speaks_ssh, const std::string& user,
                                         const std::string& host);

[[nodiscard]] std::string client_config_text(const ClientConfig& config);
[[nodiscard]] std::string client_config_json(const std::vector<ClientConfig>& configs);

}  // namespace holdfast::tunnels
