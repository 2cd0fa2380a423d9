// File systems that do not answer: a process that touches the home of a dead NFS server hangs for hours.
#pragma once

#include "core/result.hpp"
#include "os/forked_query.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <vector>

namespace holdfast::tunnels {

/// The home and the directories of PATH, without duplicates: every command uses them.
[[nodiscard]] std::vector<boost::filesystem::path> directories_in_use(const os::Host& host);

/// For os::run_forked_queries(): ends when `directory` answers, whether it exists or not.
[[nodiscard]] os::ForkedQuery query_about(const boost::filesystem::path& directory, const os::Host& host);

/// An Error that names the first directory in use that does not answer within 2 s.
[[nodiscard]] Result<> check_for_unresponsive_paths(const os::Host& host);

/// The Error for such a directory.
[[nodiscard]] Error unresponsive_paths_error(const boost::filesystem::path& directory);

}  // namespace holdfast::tunnels
