// The configuration of a private sshd: one user's own server on loopback. Pure.
#pragma once

#include "os/host.hpp"
#include "ssh/client/arguments.hpp"

#include <boost/filesystem/path.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::ssh {

/// The files of a private sshd in its directory. The keys are symbolic links, so that no path of a user stands in the
/// configuration.
struct SshdFiles {
  fs::path config;
  fs::path host_key;
  fs::path authorized_keys;
  fs::path log;
};
[[nodiscard]] SshdFiles sshd_files(const fs::path& directory);

struct SshdSettings {
  std::uint16_t port = 0;  ///< on 127.0.0.1
  SshdFiles files;
  std::string user;             ///< the only one who may log in
  bool strict_modes = true;     ///< see KeyFileCheck
  os::Environment environment;  ///< for the sessions of visitors
};

/// The text of the file for `sshd -f`. Needs `files` without white space, quotes and `%`, as below a runtime directory.
/// `version`: sshd exits on an unknown setting. Before 7.8 it has no SetEnv, and visitors get no environment.
[[nodiscard]] std::string sshd_config(const SshdSettings& settings, const Version& version);

/// The variables of `environment` that a visitor of this job needs: SLURM_*, the GPUs, TMPDIR. Without values that
/// sshd_config(5) cannot express in every release: with quotes, backslashes and control characters.
[[nodiscard]] os::Environment visitor_environment(const os::Environment& environment);

/// `user` as a pattern of AllowUsers. A character with a meaning there, such as `@` of a domain user, becomes `?`.
[[nodiscard]] std::string user_pattern(const std::string& user);

}  // namespace holdfast::ssh
