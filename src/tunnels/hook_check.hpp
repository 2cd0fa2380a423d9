// A login shell that proves that the login hook runs.
#pragma once

#include "backends/text/login_hook_text.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

namespace holdfast::tunnels {

/// Starts `shell` as an interactive login shell, and waits until the hook has run in it, at most 10
/// s. An Error says why that is not proven. The hook starts no tunnel meanwhile.
[[nodiscard]] Result<> check_hook(backends::Shell shell, os::Host& host);

/// For `ensure`: true when check_hook() has started it, which it then reports.
[[nodiscard]] bool report_to_hook_check(os::Host& host);

}  // namespace holdfast::tunnels
