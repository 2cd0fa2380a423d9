// What ssh makes of a destination: the Host blocks of the user's configuration applied, and the way there.
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

/// One destination, as `ssh -G` tells it.
struct Resolution {
  std::string user;
  std::string host;
  std::uint16_t port = 22;
  std::vector<std::string> jumps = {};             ///< ProxyJump, the first hop first, as the configuration has them
  std::optional<std::string> proxy_command = {};   ///< stands in place of jumps
  std::optional<std::string> host_key_alias = {};  ///< by which its host key is known
  std::vector<std::string> identities = {};        ///< private keys that ssh would offer, whether they are there or not
  std::optional<std::string> agent = {};           ///< IdentityAgent; "none" is kept
};

/// The output of `ssh -G`. An Error when it lacks what every ssh says.
[[nodiscard]] Result<Resolution> parse_resolution(std::string_view said);

/// Asks ssh itself, as `user`, whose configuration counts (another one than ourselves takes root). Connects nowhere.
[[nodiscard]] Result<Resolution> resolve(const os::Host& host, const Client& client, const Destination& destination,
                                         const std::vector<SshOption>& options, const os::User& user);

/// The whole way to a destination, every name of a Host block replaced by what it stands for.
struct ResolvedRoute {
  std::vector<Destination> stations;        ///< each with its user; the destination itself is the last
  std::vector<std::string> proxy_commands;  ///< by which ssh reaches a station from here; nobody else can tell what
                                            ///< they do
};

/// Follows every ProxyJump, that of the first hop included. An Error for what is no destination, or a loop.
[[nodiscard]] Result<ResolvedRoute> resolve_route(const os::Host& host, const Client& client,
                                                  const Destination& destination, const std::vector<SshOption>& options,
                                                  const os::User& user);

}  // namespace holdfast::ssh
