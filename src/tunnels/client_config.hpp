// The ~/.ssh/config of a laptop that logs in through the bastion, as data and as text. Pure.
#pragma once

#include "core/tunnel.hpp"
#include "ssh/client/resolution.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// One Host block.
struct ClientHost {
  std::string alias;  ///< the argument of ssh
  std::string hostname;
  std::uint16_t port = 22;
  std::optional<std::string> user = {};        ///< nothing: the target is another machine, with users of its own
  std::optional<std::string> proxy_jump = {};  ///< nothing: through a local port of the laptop, which `before` opens
  std::string host_key_alias;
  std::string known_hosts = {};  ///< the target's line for the laptop's known_hosts; empty: its key is not known here
  std::optional<std::string> before = {};  ///< a command that must run meanwhile: ssh cannot jump to a socket
  Forward forward;
};

/// A forward whose target is not an ssh server: the command that makes it available on the laptop.
struct ClientForward {
  std::string command;
  Forward forward;
};

struct ClientConfig {
  TunnelName name;
  std::string bastion;  ///< as in the tunnel's file
  std::string host;     ///< the host of the target: this host's name, or "any"
  std::string proxy_jump;
  std::vector<std::string> proxy_commands = {};
  std::vector<ClientHost> hosts = {};
  std::vector<ClientForward> forwards = {};
};

/// What is known here about the target of a forward.
struct ClientTarget {
  bool speaks_ssh = false;
  std::string host_key = {};  ///< "ssh-ed25519 AAAA…"; empty: not known
};

/// The login on this machine that the blocks open.
struct ClientLogin {
  std::string user;  ///< the login name on this machine, may be empty
  std::string host;  ///< this machine's name
};

/// `route`: the route to the bastion. `targets`: one for each forward. A tunnel with the default name gives its block
/// for this machine the machine's name. `aliases`: those that are in use, such as the names of all tunnels; it gets the
/// new ones.
[[nodiscard]] ClientConfig client_config(const Tunnel& tunnel, const ssh::ResolvedRoute& route,
                                         const std::vector<ClientTarget>& targets, const ClientLogin& login,
                                         std::set<std::string>& aliases);

[[nodiscard]] std::string client_config_text(const ClientConfig& config);
[[nodiscard]] std::string client_config_json(const std::vector<ClientConfig>& configs);

}  // namespace holdfast::tunnels
