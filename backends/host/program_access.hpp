// Checks that a system service can start a program as its user.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>

namespace holdfast::backends {

/// An Error when the unit's sandbox hides `program` (PrivateTmp=, ProtectHome=) or `user` may not reach or execute it.
/// Checks every directory of the path, against the user's groups too (id(1)).
[[nodiscard]] Result<> require_executable_by(const os::User& user, const boost::filesystem::path& program,
                                             const os::Host& host);

/// Why a system service cannot start the installed `program` as `user`, after "the program PATH": "is gone". Empty when
/// it can, and when this process may not see that. Of `user`, the name is enough: a command completes it only if a part
/// of the path is not open to everybody.
[[nodiscard]] std::optional<std::string> why_not_executable(const os::User& user,
                                                            const boost::filesystem::path& program,
                                                            const os::Host& host);

}  // namespace holdfast::backends
