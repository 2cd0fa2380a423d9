// Finds and ends the ssh that owns a control socket, even if another process started it.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <optional>

namespace holdfast::ssh {

/// The process `pid`, if it belongs to this tunnel: it runs as this user (for root: as the owner of the socket's
/// directory), and its arguments have the socket after -S.
[[nodiscard]] std::optional<os::ProcessId> process_of_socket(const os::Host& host, pid_t pid,
                                                             const boost::filesystem::path& control);

/// The ssh that listens on `control`, if it belongs to this tunnel; also a stopped one. `known` (from live state) is
/// used when the socket is gone or its listener is unknown.
[[nodiscard]] std::optional<os::ProcessId> find_master(const os::Host& host, const boost::filesystem::path& control,
                                                       const std::optional<os::ProcessId>& known = {});

/// Ends that ssh and removes the socket: terminate over the socket, then SIGTERM, then SIGKILL, 5 s in all. True when
/// there was one. Removes a dead socket too. Never signals another process: one that listens there is an Error.
[[nodiscard]] Result<bool> end_master(const boost::filesystem::path& control, os::Host& host,
                                      const std::optional<os::ProcessId>& known = {});

}  // namespace holdfast::ssh
