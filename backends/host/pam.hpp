// PAM's configuration of a service: pam.conf(5).
#pragma once

#include "os/host.hpp"

#include <string>

namespace holdfast::backends {

/// True when a session of `service` becomes a logind session: its session modules, or files that it includes, name
/// pam_systemd.so. False for a service without a configuration file.
[[nodiscard]] bool opens_logind_session(const std::string& service, const os::Host& host);

}  // namespace holdfast::backends
