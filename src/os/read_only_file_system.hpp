// Whether a process could write to a directory at all.
#pragma once

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

namespace holdfast::os {

/// True when the directory's file system is read-only for that process, whose view of mounts may differ from ours.
/// False where that cannot be seen.
[[nodiscard]] bool is_read_only_for(pid_t pid, const boost::filesystem::path& directory);

}  // namespace holdfast::os
