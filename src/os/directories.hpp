// Directories that a hostile neighbour could have put there first.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

namespace holdfast::os {

/// Makes `directory` 0700 if it is missing (its parent must exist) and accepts it only when it is a real directory
/// (no symlink), owned by `owner`, closed to group and others. A squatter is named in the error.
[[nodiscard]] Result<> claim_private_directory(const boost::filesystem::path& directory, uid_t owner);

}  // namespace holdfast::os
