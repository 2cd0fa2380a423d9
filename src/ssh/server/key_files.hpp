// The two key files of a private sshd: its own host key, and the public keys that may log in.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

namespace holdfast::ssh {

namespace fs = boost::filesystem;

/// Makes the host key `file` (Ed25519, 0600, its public key in `file`.pub) with ssh-keygen, unless it is there. Of
/// several processes that do so at the same time, one makes it.
[[nodiscard]] Result<> keep_host_key(const fs::path& file, os::Host& host);

/// Whether sshd can trust a file of public keys.
struct KeyFileCheck {
  /// sshd's own StrictModes accepts the file. It refuses every file below a directory that all users can write to, such
  /// as /tmp, although the sticky bit protects the entries there. Then check_authorized_keys() has done this check.
  bool strict_modes = true;
};

/// An Error when `file` is missing or not a file, or when another user than root could change it: by its owner and
/// mode, or those of a directory above it. `home`: the user's home in the user database, above which sshd does not
/// look. HOME may be another directory.
[[nodiscard]] Result<KeyFileCheck> check_authorized_keys(const fs::path& file, const fs::path& home,
                                                         const os::Host& host);

}  // namespace holdfast::ssh
