// The options of `setup`, and the SetupRequest that a command line makes. Usage errors end here.
#pragma once

#include "cli/command.hpp"
#include "tunnels/setup/setup_arguments.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// The texts of --port, --bastion, --identity, --run-as and --ssh-option, and the variables that stand in for them.
[[nodiscard]] Request connection_arguments(const Context& context, const Arguments& arguments);

/// For the command table.
[[nodiscard]] const std::vector<Option>& setup_options();

/// --backend, or "auto" without it: a backend of this version that holds tunnels of `scope`.
[[nodiscard]] Result<std::string> read_backend(const Arguments& arguments, Scope scope);

/// The options that preflight needs, without --bastion: for `doctor` and `authorize`.
[[nodiscard]] const std::vector<Option>& connection_options();

/// HOLDFAST_BACKENDS: what `auto` may choose; empty: any.
[[nodiscard]] Result<std::vector<std::string>> read_only_backends(const Variables& variables);

/// A tunnel called "doctor", for the checks of a bastion; it is never installed. Without --port its one forward must
/// not be requested.
[[nodiscard]] Result<tunnels::SetupRequest> read_check_request(Context& context, const Arguments& arguments);

/// Options win over environment variables. Queries the name service for --run-as.
[[nodiscard]] Result<tunnels::SetupRequest> read_setup_request(Context& context, const Arguments& arguments);

}  // namespace holdfast::cli
