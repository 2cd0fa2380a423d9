// A pidfile with host, boot id, pid and start time, so that it stays unambiguous on a shared home and after a reboot.
#pragma once

#include "os/process_id.hpp"

#include <optional>

namespace holdfast::backends {

using os::format_process_id;
using os::parse_process_id;

/// The process that `pidfile` names, running or not. nullopt when the file is missing, incomplete, not a regular file,
/// or another user's (anyone can create files in /tmp).
[[nodiscard]] std::optional<os::ProcessId> read_pidfile(const os::Host& host, const boost::filesystem::path& pidfile);

/// The same, but only while that process is running: on this host, in this boot, with that start time.
[[nodiscard]] std::optional<os::ProcessId> running_process(const os::Host& host,
                                                           const boost::filesystem::path& pidfile);

}  // namespace holdfast::backends
