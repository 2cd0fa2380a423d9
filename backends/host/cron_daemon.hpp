// Whether this host's cron runs jobs, now and after a boot. Read from files, without a command.
#pragma once

#include "os/host.hpp"

#include <array>
#include <optional>
#include <string>

namespace holdfast::backends {

/// The names of cron's systemd unit and PAM service: on Red Hat, on Arch, on Debian.
inline constexpr std::array k_cron_services{"crond", "cronie", "cron"};

struct CronProblem {
  std::string text;                        ///< a clause
  std::optional<std::string> remedy = {};  ///< one command; empty where none is known
};

/// Set when no cron runs jobs: none runs, one that holdfast does not support, or one that is stopped (SIGSTOP).
[[nodiscard]] std::optional<CronProblem> why_no_cron_runs(const os::Host& host);

/// Set when cron does not start at boot: systemd's unit is masked or disabled, or the default target starts none. Empty
/// also where nothing tells.
[[nodiscard]] std::optional<CronProblem> why_cron_does_not_start(const os::Host& host);

/// The command that installs a cron; empty where no package manager is known.
[[nodiscard]] std::optional<std::string> install_cron(const os::Host& host);

}  // namespace holdfast::backends
