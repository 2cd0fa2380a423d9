// The backends of this build. Each hides its class in its own .cpp.
#pragma once

#include "backends/backend.hpp"

#include <vector>

namespace holdfast::backends {

[[nodiscard]] const Backend& systemd_system_backend();
[[nodiscard]] const Backend& systemd_user_backend();
[[nodiscard]] const Backend& cron_backend();
[[nodiscard]] const Backend& tmux_backend();
[[nodiscard]] const Backend& screen_backend();
[[nodiscard]] const Backend& nohup_backend();
[[nodiscard]] const Backend& login_hook_backend();

/// The backends of `scope` whose mechanism keeps an entry of its own for each tunnel (a unit, crontab lines), and
/// starts the tunnel from it whatever the tunnel's file says.
[[nodiscard]] std::vector<const Backend*> backends_with_entries(Scope scope);

/// True when `a` survives more than `b`: reboot counts first, then logout, then crash. `at-login` counts as `no` in a
/// first comparison, and decides between equals.
[[nodiscard]] bool is_stronger(const Survives& a, const Survives& b);

}  // namespace holdfast::backends
