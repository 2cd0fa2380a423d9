// What a setup is asked for, every value valid: usage errors end before there is one, and before anything is touched.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

struct SetupRequest {
  TunnelName name;
  Destination bastion;
  std::vector<Forward> forwards;
  std::optional<boost::filesystem::path> identity;
  std::vector<SshOption> ssh_options;
  std::string backend = "auto";  ///< "auto" or one of this version's
  Engine engine = Engine::native;
  std::vector<std::string> only_backends;  ///< HOLDFAST_BACKENDS: what `auto` may take; empty: any
  store::Paths paths;
  os::User run_as;  ///< ourselves in the user scope
  bool accept_new_host_key = false;
  bool takeover = false;
  bool preflight = true;
  bool move = false;               ///< a tunnel that is there, and nothing but its backend is to change
  std::vector<Forward> held = {};  ///< by somebody who hands them over: not asked for beforehand
  /// Makes them let go: run once all is ready, right before the start of a new tunnel. That one must then be verified
  /// end to end; a setup that does not call this, or does not come to that, fails.
  std::function<Result<>()> take_over = {};
  std::vector<Destination> fallbacks = {};
  std::optional<std::string> host = {};  ///< "any", or this host by name: the tunnel is to be its, whoever's it was
};

}  // namespace holdfast::tunnels
