// The autossh that starts the ssh of a control socket: found and ended, also when who started it is gone.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::ssh {

/// `known` (from live state) if it is still that autossh, else the parent of the ssh that listens on `control` if that
/// one is started with the same socket.
[[nodiscard]] std::optional<os::ProcessId> find_autossh_process(const os::Host& host,
                                                                const boost::filesystem::path& control,
                                                                const std::optional<os::ProcessId>& known = {});

/// Ends it, so that it cannot start another ssh, before end_master() ends what is left: SIGTERM, at which it ends its
/// ssh too, then SIGKILL; four seconds in all. True when there was one to end.
[[nodiscard]] Result<bool> end_autossh(const boost::filesystem::path& control, os::Host& host,
                                       const std::optional<os::ProcessId>& known = {});

}  // namespace holdfast::ssh
