// Finds and ends the autossh that starts the ssh of a control socket, even if another process started it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::ssh {

/// `known` (from live state) if it is still that autossh, else the parent of the ssh that listens on `control`, if its
/// arguments have the same socket.
[[nodiscard]] std::optional<os::ProcessId> find_autossh_process(const os::Host& host,
                                                                const boost::filesystem::path& control,
                                                                const std::optional<os::ProcessId>& known = {});

/// Ends that autossh with SIGTERM, on which it ends its ssh, then SIGKILL; 4 s in all. Call it before end_master(), so
/// that no new ssh starts. True when there was one.
[[nodiscard]] Result<bool> end_autossh(const boost::filesystem::path& control, os::Host& host,
                                       const std::optional<os::ProcessId>& known = {});

}  // namespace holdfast::ssh
