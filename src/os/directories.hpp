// Private directories in places where other users can create them first (/tmp).
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

namespace holdfast::os {

/// Creates `directory` 0700 if it is missing (its parent must exist). An Error unless it is a directory, not a symbolic
/// link, that `owner` owns; one that is open to others is closed.
[[nodiscard]] Result<> claim_private_directory(const boost::filesystem::path& directory, uid_t owner);

}  // namespace holdfast::os
