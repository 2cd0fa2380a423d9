// Checks that a system service can start a program as its user.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

namespace holdfast::backends {

/// An Error when the unit's sandbox hides `program` (PrivateTmp=, ProtectHome=) or `user` may not reach or execute it.
/// Checks every directory of the path, against the user's groups too (id(1)).
[[nodiscard]] Result<> require_executable_by(const os::User& user, const boost::filesystem::path& program,
                                             const os::Host& host);

}  // namespace holdfast::backends
