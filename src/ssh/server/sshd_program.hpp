// The sshd of this machine.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

namespace holdfast::ssh {

struct SshdProgram {
  fs::path path;  ///< absolute: sshd executes itself again for each connection
  Version version;
};

/// Looks in PATH, /usr/sbin and /sbin, and asks the program for its version.
[[nodiscard]] Result<SshdProgram> find_sshd(const os::Host& host);

/// From the output of `sshd -V`. Releases before 9.2 print it after an error about the option.
[[nodiscard]] Result<Version> parse_sshd_version(const std::string& output);

}  // namespace holdfast::ssh
