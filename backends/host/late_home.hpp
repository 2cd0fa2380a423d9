// Whether a user's home may be mounted after the user's manager has started: proc_pid_mountinfo(5).
#pragma once

#include "os/host.hpp"

#include <string_view>

namespace holdfast::backends {

/// True when the home is on a file system of its own that systemd does not mount before it starts user managers: on a
/// network, behind an automounter, or mounted by another program. With linger, the manager that starts at boot then
/// does not find the user's units.
[[nodiscard]] bool is_late_home(const os::Host& host);

}  // namespace holdfast::backends
