// The temporary file that replaces a file: NAME.new.THREAD beside NAME.
#pragma once

#include <boost/filesystem/path.hpp>

#include <string_view>

namespace holdfast::os {

inline constexpr std::string_view k_unfinished = ".new.";  ///< before the writer's thread id

/// Removes those beside `path` that a killed process left. One of the last minute stays: another host with the same
/// home may be writing it, and its threads are not known here.
void remove_unfinished(const boost::filesystem::path& path);

}  // namespace holdfast::os
