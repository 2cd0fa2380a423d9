// A command as another user: root checks a tunnel as the one who will run it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

namespace holdfast::ssh {

/// `command` as `user` would run it: unchanged when that is who we are, else (we are root) through setpriv(1), which
/// asks no PAM, opens no session and stays the same process. Its environment is left as it is.
[[nodiscard]] Result<os::Command> command_as(const os::Host& host, const os::User& user, os::Command command);

}  // namespace holdfast::ssh
