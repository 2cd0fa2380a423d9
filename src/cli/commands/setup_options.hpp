// What a command line asks of `setup`: usage errors end here, before anything is touched.
#pragma once

#include "cli/command.hpp"
#include "tunnels/setup/setup_arguments.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

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
[[nodiscard]] Result<tunnels::SetupRequest> read_check_request(Context& context, const Arguments& arguments);

/// Flags win over variables. Asks the name service for --run-as.
[[nodiscard]] Result<tunnels::SetupRequest> read_setup_request(Context& context, const Arguments& arguments);

}  // namespace holdfast::cli
