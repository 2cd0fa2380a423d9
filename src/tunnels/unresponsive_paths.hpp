// File systems that do not answer: a dead NFS server's home holds whoever looks at it, for hours.
#pragma once

#include "core/result.hpp"
#include "os/forked_query.hpp"
#include "os/host.hpp"

#include <boost/filesystem/path.hpp>

#include <vector>

namespace holdfast::tunnels {

/// Where every command of ours looks: the home, and the directories of PATH. Each once.
[[nodiscard]] std::vector<boost::filesystem::path> directories_in_use(const os::Host& host);

/// For os::run_forked_queries(): answers when `directory` does, whether it is there or not.
[[nodiscard]] os::ForkedQuery query_about(const boost::filesystem::path& directory, const os::Host& host);

/// An Error that names the first directory in use that does not answer within 2 s.
[[nodiscard]] Result<> check_for_unresponsive_paths(const os::Host& host);

/// The Error for one of them.
[[nodiscard]] Error unresponsive_paths_error(const boost::filesystem::path& directory);

}  // namespace holdfast::tunnels
