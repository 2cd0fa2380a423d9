// Changes the bytes of a file that must stay the same file.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <string>
#include <string_view>

namespace holdfast::os {

/// Writes `bytes` into the regular file, only if it still contains `previous`. Otherwise returns false and changes
/// nothing. Not atomic: a reader, and a crash of the machine, may see a part of the change. After an Error the file has
/// its previous content, where the disk allows that.
[[nodiscard]] Result<bool> edit_in_place(const boost::filesystem::path& path, const std::string& previous,
                                         std::string_view bytes);

}  // namespace holdfast::os
