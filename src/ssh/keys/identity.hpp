// A private key, looked at by ssh's own tools as the one who will use it: root sees more than that user does.
#pragma once

#include "ssh/preflight/preflight.hpp"

#include <string_view>

namespace holdfast::ssh {

/// Why `key` cannot be used without a person; nothing when it can.
[[nodiscard]] std::optional<Diagnosis> check_key(os::Host& host, const Tunnel& tunnel, const fs::path& key,
                                                 const PreflightRequest& request);

/// After a refused login of a tunnel that names no key: the key that was of no use because of its passphrase, when
/// there was no other. `log` is ssh's at LogLevel=DEBUG1.
[[nodiscard]] std::optional<Diagnosis> check_default_keys(os::Host& host, const Tunnel& tunnel,
                                                          const PreflightRequest& request, std::string_view log);

}  // namespace holdfast::ssh
