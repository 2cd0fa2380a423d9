// What setup and move share.
#pragma once

#include "cli/command.hpp"
#include "tunnels/setup/setup_request.hpp"

namespace holdfast::cli {

/// Carries a request out, or prints its plan (--dry-run), and says what it came to, as JSON if asked (--json).
[[nodiscard]] Result<ExitStatus> execute(Context& context, const Arguments& arguments, tunnels::SetupRequest request);

}  // namespace holdfast::cli
