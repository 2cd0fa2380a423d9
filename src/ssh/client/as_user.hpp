// Runs a command as another user: root checks a tunnel as the user who will run it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

namespace holdfast::ssh {

/// `command`, to be run as `user`: unchanged for the current user; as root, wrapped in setpriv(1), which uses no PAM,
/// opens no session and keeps the pid. The environment stays as it is.
[[nodiscard]] Result<os::Command> command_as(const os::Host& host, const os::User& user, os::Command command);

}  // namespace holdfast::ssh
