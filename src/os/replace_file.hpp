// Replaces files that other programs edit too, such as a shell's start-up file.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::os {

/// Replaces `path` atomically and durably, but only if it still contains `previous` (empty: if it still does not
/// exist). Otherwise returns false and changes nothing. An existing file keeps its owner, group, mode, access control
/// list and extended attributes, and a new one gets `mode`. A file that has hard links, or whose attributes this
/// process cannot give to a new file, is edited in place: not atomically.
[[nodiscard]] Result<bool> replace_file(const boost::filesystem::path& path, const std::optional<std::string>& previous,
                                        std::string_view bytes, mode_t mode);

/// The path with all symbolic links resolved, as by realpath(3). An Error for a dangling link.
[[nodiscard]] Result<boost::filesystem::path> resolve_links(const boost::filesystem::path& path);

}  // namespace holdfast::os
