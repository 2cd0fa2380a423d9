// Whether a service of the system scope could start a program as its user.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

namespace holdfast::backends {

/// An error when `program` lies where a sandboxed service cannot see it (PrivateTmp, ProtectHome) or where `user` may
/// not enter or execute it; looks at every directory on the way, links followed, and at the user's groups (id(1)).
[[nodiscard]] Result<> require_executable_by(const os::User& user, const boost::filesystem::path& program,
                                             const os::Host& host);

}  // namespace holdfast::backends
