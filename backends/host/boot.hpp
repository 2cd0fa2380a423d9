// What systemd will not start at the next boot. Read from files: no command is needed, and every user may read them.
#pragma once

#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

struct BootProblem {
  std::string text;    ///< a clause
  std::string remedy;  ///< one command
};

/// Set when a mask in /etc keeps the unit from starting. A mask in /run does not outlive the boot.
[[nodiscard]] std::optional<BootProblem> find_mask(std::string_view unit, const os::Host& host);

/// Set when the default target does not pull in multi-user.target, as rescue.target. Empty where the files do not tell.
[[nodiscard]] std::optional<BootProblem> find_default_target_problem(const os::Host& host);

/// Set when no user manager of `user` starts at boot, even with linger: a mask, or the default target.
[[nodiscard]] std::optional<BootProblem> find_user_manager_problem(const os::User& user, const os::Host& host);

}  // namespace holdfast::backends
