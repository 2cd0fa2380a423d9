// What PAM does for a service: pam.conf(5).
#pragma once

#include "os/host.hpp"

#include <string>

namespace holdfast::backends {

/// True when a session that `service` opens becomes one of logind's: pam_systemd.so among its session modules, or in
/// what it includes. False for a service without a file of its own.
[[nodiscard]] bool opens_logind_session(const std::string& service, const os::Host& host);

}  // namespace holdfast::backends
