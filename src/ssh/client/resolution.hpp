// Resolves a destination as ssh does: with the user's configuration and all jump hosts.
#pragma once

#include "core/destination.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// One destination, as `ssh -G` prints it.
struct Resolution {
  std::string user;
  std::string host;
  std::uint16_t port = 22;
  std::vector<std::string> jumps = {};             ///< ProxyJump, in connection order
  std::optional<std::string> proxy_command = {};   ///< used instead of jumps
  std::optional<std::string> host_key_alias = {};  ///< its name in known_hosts
  std::vector<std::string> identities = {};        ///< private keys that ssh would offer; they may not exist
  std::optional<std::string> agent = {};           ///< IdentityAgent, possibly "none"
  std::string known_hosts = {};                    ///< UserKnownHostsFile, as ssh -G prints it
  bool offers_keys = true;                         ///< PubkeyAuthentication
  bool uses_token = false;                         ///< PKCS11Provider
};

/// Parses the output of `ssh -G`. An Error without user, host and port.
[[nodiscard]] Result<Resolution> parse_resolution(std::string_view output);

/// Runs `ssh -G` as `user`, whose configuration counts; needs root for another user. Opens no connection.
[[nodiscard]] Result<Resolution> resolve(const os::Host& host, const Client& client, const Destination& destination,
                                         const std::vector<SshOption>& options, const os::User& user);

/// The whole route to a destination, with all host aliases resolved.
struct ResolvedRoute {
  std::vector<Destination> hops;              ///< every hop with its user; the destination comes last
  std::vector<Destination> proxy_jumps;       ///< the hops that ssh reaches by ProxyJump, as written, in their order
  std::vector<std::string> proxy_commands;    ///< ProxyCommands on the route; only ssh can run them
  Resolution destination = {};                ///< of the destination itself
  std::vector<std::string> jump_agents = {};  ///< IdentityAgent of each jump host that has one, in connection order
  /// The hops before the destination.
  [[nodiscard]] std::vector<Destination> jump_hosts() const;
};

/// Follows every ProxyJump, also that of the first hop. An Error for an invalid destination, or for a
/// loop, which has the class jump_host.
[[nodiscard]] Result<ResolvedRoute> resolve_route(const os::Host& host, const Client& client,
                                                  const Destination& destination, const std::vector<SshOption>& options,
                                                  const os::User& user);

}  // namespace holdfast::ssh
