// Explains a failed login with ssh's output and with what this machine's files tell.
#pragma once

#include "ssh/client/arguments.hpp"
#include "ssh/client/resolution.hpp"
#include "ssh/diagnosis/diagnosis.hpp"

#include <optional>

namespace holdfast::ssh {

/// diagnose() for an ssh of our own user with LogLevel=INFO. After a refused key it reads the tunnel's certificate.
/// After a refused key, an unknown host key and a failed jump host it runs `ssh -G`, which blocks for 10 s at most a
/// hop.
[[nodiscard]] std::optional<Diagnosis> diagnose_failed_login(const os::Host& host, const Client& client,
                                                             SshOutput output, const Tunnel& tunnel);

/// Names the setting of ssh_config that explains the failure: UserKnownHostsFile /dev/null.
[[nodiscard]] Diagnosis with_settings(Diagnosis diagnosis, const Resolution& bastion);

}  // namespace holdfast::ssh
