// Makes a SetupRequest of the texts of a command line or a C++ program. Usage errors end here.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "tunnels/observer.hpp"
#include "tunnels/setup/setup_request.hpp"

#include <holdfast/request.hpp>

#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// `only_backends`: from read_only_backends(). Asks the name service for `run_as`. Warns about unwise choices.
[[nodiscard]] Result<SetupRequest> read_setup(const Request& arguments, Scope scope,
                                              std::vector<std::string> only_backends, os::Host& host,
                                              Observer& observer);

/// Only what preflight needs: bastion, key, user and ssh options, for a tunnel of that name.
[[nodiscard]] Result<SetupRequest> read_connection(const Request& arguments, Scope scope, TunnelName name,
                                                   std::vector<Forward> forwards, os::Host& host, Observer& observer);

/// At least one.
[[nodiscard]] Result<std::vector<Forward>> read_forwards(const std::vector<std::string>& ports);
/// Each of `bastions` may be a list: "a,b".
[[nodiscard]] Result<std::vector<Destination>> read_bastions(const std::vector<std::string>& bastions);

/// "auto", or a backend of this version that holds tunnels of `scope`.
[[nodiscard]] Result<std::string> read_backend(const std::string& name, Scope scope);

/// HOLDFAST_BACKENDS, "a,b": what `auto` may choose; nothing or empty: any.
[[nodiscard]] Result<std::vector<std::string>> read_only_backends(const std::optional<std::string>& list);

}  // namespace holdfast::tunnels
