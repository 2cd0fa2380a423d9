// The backends of this build. Each hides its class in its own .cpp.
#pragma once

#include "backends/backend.hpp"

namespace holdfast::backends {

[[nodiscard]] const Backend& systemd_system_backend();
[[nodiscard]] const Backend& systemd_user_backend();
[[nodiscard]] const Backend& cron_backend();
[[nodiscard]] const Backend& tmux_backend();
[[nodiscard]] const Backend& screen_backend();
[[nodiscard]] const Backend& nohup_backend();
[[nodiscard]] const Backend& login_hook_backend();

/// True when `a` outlives more than `b`: reboot first, then logout, then crash; what comes back by itself counts before
/// what waits for a login.
[[nodiscard]] bool is_stronger(const Survives& a, const Survives& b);

}  // namespace holdfast::backends
