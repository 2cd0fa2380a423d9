// Checks private keys with ssh-keygen, run as the user of the tunnel, since root can read more than that user.
#pragma once

#include "ssh/preflight/preflight.hpp"

#include <string_view>

namespace holdfast::ssh {

/// Why `key` cannot be used unattended; nothing when it can.
[[nodiscard]] std::optional<Diagnosis> check_key(os::Host& host, const Tunnel& tunnel, const fs::path& key,
                                                 const PreflightRequest& request);

/// After a refused login of a tunnel without an identity: the failure of a default key that has a passphrase, when no
/// other default key was usable. `log`: of ssh with LogLevel=DEBUG1.
[[nodiscard]] std::optional<Diagnosis> check_default_keys(os::Host& host, const Tunnel& tunnel,
                                                          const PreflightRequest& request, std::string_view log);

}  // namespace holdfast::ssh
