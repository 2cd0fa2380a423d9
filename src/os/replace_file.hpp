// A file that others write to as well: a start-up file of a shell.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::os {

/// Writes a temporary beside it, syncs and renames, but only if the file still holds `former` (nothing: still is not
/// there); false, and nothing is done, when that has changed. One that is there keeps its mode and, where we may give
/// it away, its group; a new one gets `mode`.
[[nodiscard]] Result<bool> replace_file(const boost::filesystem::path& path, const std::optional<std::string>& previous,
                                        std::string_view bytes, mode_t mode);

/// The path behind every symbolic link: realpath(3). An Error when one of them leads nowhere.
[[nodiscard]] Result<boost::filesystem::path> resolve_links(const boost::filesystem::path& path);

}  // namespace holdfast::os
