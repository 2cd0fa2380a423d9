// What somebody asks of setup, in words of any kind: made a request, or refused before anything is touched.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// The options of `holdfast setup`, by their names there; refusals name them so.
struct SetupArguments {
  Scope scope = Scope::user;
  std::vector<std::string> ports;
  std::vector<std::string> bastions;  ///< each may be several: "a,b"
  std::optional<std::string> name;    ///< without it the first port
  std::optional<std::string> identity;
  std::string backend = "auto";
  std::string engine = "native";
  std::optional<std::string> host;
  std::optional<std::string> run_as;
  std::vector<std::string> ssh_options;    ///< "KEY=VALUE"
  std::vector<std::string> only_backends;  ///< from read_only_backends()
  bool accept_new_host_key = false;
  bool takeover = false;
  bool preflight = true;
};

/// Asks the name service for `run_as`. Warns of what is allowed and unwise.
[[nodiscard]] Result<SetupRequest> read_setup(const SetupArguments& words, os::Host& host, Observer& observer);

/// What leads to a bastion and back, whatever is to hold it: of a tunnel of that name.
[[nodiscard]] Result<SetupRequest> read_way(const SetupArguments& words, TunnelName name, std::vector<Forward> forwards,
                                            os::Host& host, Observer& observer);

/// At least one.
[[nodiscard]] Result<std::vector<Forward>> read_forwards(const std::vector<std::string>& ports);
[[nodiscard]] Result<std::vector<Destination>> read_bastions(const std::vector<std::string>& bastions);

/// "auto", or one of this version's, in this scope.
[[nodiscard]] Result<std::string> read_backend(const std::string& name, Scope scope);

/// HOLDFAST_BACKENDS, "a,b": what `auto` may take; nothing or empty: any.
[[nodiscard]] Result<std::vector<std::string>> read_only_backends(const std::optional<std::string>& list);

}  // namespace holdfast::tunnels
