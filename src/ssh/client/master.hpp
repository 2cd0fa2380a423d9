// The ssh that owns a control socket: found and ended, whoever started it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::ssh {

/// The process `pid`, if it is one of ours: of our user (for root: of the owner of the socket's directory), and its
/// arguments name the socket after -S.
[[nodiscard]] std::optional<os::ProcessId> process_of_socket(const os::Host& host, pid_t pid,
                                                             const boost::filesystem::path& control);

/// The ssh that listens on `control`, if it is one of ours. A stopped one is found too. `known` (from live state)
/// stands in when the socket's file is gone or does not say.
[[nodiscard]] std::optional<os::ProcessId> find_master(const os::Host& host, const boost::filesystem::path& control,
                                                       const std::optional<os::ProcessId>& known = {});

/// Ends it: asked over the socket first, then SIGTERM, then SIGKILL, five seconds in all; waits until it is gone and
/// removes the socket's file. True when there was one to end; a dead socket's file is removed without one. Never
/// signals a process that is not that ssh: a stranger that listens there is an Error.
[[nodiscard]] Result<bool> end_master(const boost::filesystem::path& control, os::Host& host,
                                      const std::optional<os::ProcessId>& known = {});

}  // namespace holdfast::ssh
