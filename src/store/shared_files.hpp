// Files in a runtime directory that all tunnels of a user share. They are of this boot: an older one counts as missing.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <chrono>
#include <string>

namespace holdfast::store {

/// directory/.shared-KIND-HASH of `key`. A tunnel's name does not begin with a dot.
[[nodiscard]] boost::filesystem::path shared_file(const boost::filesystem::path& directory, const std::string& kind,
                                                  const std::string& key);

/// Removes them if `directory` has no file of a tunnel.
[[nodiscard]] Result<> remove_last_shared_files(os::Host& host, const boost::filesystem::path& directory);

/// Over all tunnels: the time between two periodic connections to a target; what a connection after a new login adds to
/// it; and how far such connections may run ahead. OpenSSH adds 1 s for each connection, and bans at 15 s.
inline constexpr std::chrono::seconds k_between_target_probes(10);
inline constexpr std::chrono::seconds k_after_first_probe(1);
inline constexpr std::chrono::seconds k_first_probes_ahead(11);

/// Takes the right to connect to `target` at `now` (os::since_boot()). False: another probe was there just before.
/// `at_once`: after a new login up to twelve may follow each other, so that a tunnel is verified at once. A file that
/// cannot be written takes nothing away.
[[nodiscard]] bool take_target_probe(os::Host& host, const boost::filesystem::path& directory,
                                     const std::string& target, std::chrono::milliseconds now, bool at_once);

}  // namespace holdfast::store
