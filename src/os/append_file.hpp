// Append-only files (logs) with size-based rotation.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::os {

/// The name of `path` after rotation: "PATH.1".
[[nodiscard]] boost::filesystem::path rotated(const boost::filesystem::path& path);

/// Appends `line` and a line break in one write(2). Creates the file 0600; a symbolic link is an Error. An incomplete
/// last line gets its line break first. A file that would exceed `limit` bytes is rotated first.
[[nodiscard]] Result<> append_line(const boost::filesystem::path& path, std::string_view line, std::size_t limit);

/// The last whole lines, `limit` bytes at most; empty when the file does not exist.
[[nodiscard]] std::string read_tail(const boost::filesystem::path& path, std::size_t limit);

/// The bytes from `offset` on, `limit` at most; empty when there are none or the file does not exist.
[[nodiscard]] std::string read_from(const boost::filesystem::path& path, std::size_t offset, std::size_t limit);

}  // namespace holdfast::os
