// The arguments of a setup or a move, after validation.
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
  std::optional<boost::filesystem::path> identity = {};
  std::vector<SshOption> ssh_options = {};
  std::string backend = "auto";  ///< "auto" or one of this version's
  Engine engine = Engine::native;
  std::vector<std::string> only_backends = {};  ///< HOLDFAST_BACKENDS: what `auto` may choose; empty: any
  store::Paths paths = {};
  os::User run_as = {};  ///< ourselves in the user scope
  bool accept_new_host_key = false;
  bool takeover = false;
  bool allow_target_down = false;
  bool preflight = true;
  bool move = false;               ///< the tunnel exists, and only its backend is to change
  std::vector<Forward> held = {};  ///< another process has them until take_over(): preflight does not request them
  /// Ends the process that has the forwards. Called when all is ready, right before the start of a new tunnel, which
  /// must then be verified end to end. A setup that does not come to that fails.
  std::function<Result<>()> take_over = {};
  std::vector<Destination> fallbacks = {};
  /// "any", or this host by name: the tunnel is to belong to it, whichever host has it now.
  std::optional<std::string> host = {};
};

}  // namespace holdfast::tunnels
