// What `setup` was asked for, every value valid: usage errors end here, before anything is touched.
#pragma once

#include "cli/command.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/places.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

struct SetupRequest {
  TunnelName name;
  Destination bastion;
  std::vector<Forward> forwards;
  std::optional<boost::filesystem::path> identity;
  std::vector<SshOption> ssh_options;
  std::string backend = "auto";  ///< "auto" or one of this version's
  Engine engine = Engine::native;
  std::vector<std::string> only_backends;  ///< HOLDFAST_BACKENDS: what `auto` may take; empty: any
  store::Places places;
  os::User run_as;  ///< ourselves in the user scope
  bool accept_new_host_key = false;
  bool preflight = true;
  bool dry_run = false;
  bool json = false;
  bool move = false;                         ///< a tunnel that is there, and nothing but its backend is to change
  std::vector<Forward> held = {};            ///< by somebody who hands them over: not asked for beforehand
  std::function<Result<>()> take_over = {};  ///< makes them let go; run once all is ready, right before the start
  std::vector<Destination> fallbacks = {};
  std::optional<std::string> host = {};  ///< "any", or this host by name: the tunnel is to be its, whoever's it was
};

/// The options of setup, as rows of the table.
[[nodiscard]] const std::vector<Option>& setup_options();

/// --backend: "auto" (without it), or one of this version's, in this scope.
[[nodiscard]] Result<std::string> read_backend(const Arguments& arguments, Scope scope);

/// Those of them that preflight is about, as rows of doctor's table; --bastion is not among them.
[[nodiscard]] const std::vector<Option>& way_options();

/// HOLDFAST_BACKENDS: what `auto` may take; empty: any.
[[nodiscard]] Result<std::vector<std::string>> read_only_backends(const Variables& variables);

/// What is to be checked of the way to a bastion: a tunnel called "doctor" that nobody will install. Without --port its
/// one forward is not to be asked for.
[[nodiscard]] Result<SetupRequest> read_check_request(Context& context, const Arguments& arguments);

/// Flags win over variables. Asks the name service for --run-as.
[[nodiscard]] Result<SetupRequest> read_setup_request(Context& context, const Arguments& arguments);

}  // namespace holdfast::cli
