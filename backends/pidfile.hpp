// A pidfile that means something on a shared home and after a reboot: host, boot id, pid and start time.
#pragma once

#include "os/process_id.hpp"

#include <optional>

namespace holdfast::backends {

using os::format_process_id;
using os::parse_process_id;

/// The process that `pidfile` names, dead or alive. Nothing when the file is missing, not a regular file of our own
/// (in /tmp a stranger could have put it there) or torn.
[[nodiscard]] std::optional<os::ProcessId> read_pidfile(const os::Host& host, const boost::filesystem::path& pidfile);

/// The same, and it is alive: still that very process, on this host, in this boot.
[[nodiscard]] std::optional<os::ProcessId> running_process(const os::Host& host,
                                                           const boost::filesystem::path& pidfile);

}  // namespace holdfast::backends
