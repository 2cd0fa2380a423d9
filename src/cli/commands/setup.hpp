// The common part of `setup` and `move`.
#pragma once

#include "cli/command.hpp"
#include "tunnels/setup/setup_request.hpp"

namespace holdfast::cli {

/// Carries a request out, or prints its plan (--dry-run), and prints the outcome, as JSON with --json.
[[nodiscard]] Result<ExitStatus> execute(Context& context, const Arguments& arguments,
                                         const tunnels::SetupRequest& request);

}  // namespace holdfast::cli
