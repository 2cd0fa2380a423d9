// The ssh that owns a control socket: found and ended, whoever started it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::ssh {

/// The ssh that answers on `control`, if it is one of ours: our user's process whose arguments name that socket.
/// `known` (from live state) stands in for a master that is too stuck to answer.
[[nodiscard]] std::optional<os::ProcessId> find_master(const os::Host& host, const boost::filesystem::path& control,
                                                       const std::optional<os::ProcessId>& known = {});

/// Ends it: asked over the socket first, then SIGTERM, then SIGKILL, five seconds in all; waits until it is gone and
/// removes the socket's file. True when there was one to end. Never signals a process that is not that ssh.
[[nodiscard]] Result<bool> end_master(const boost::filesystem::path& control, os::Host& host,
                                      const std::optional<os::ProcessId>& known = {});

}  // namespace holdfast::ssh
