// A file that only grows at its end, and is turned over before it grows too large.
#pragma once

#include "core/result.hpp"

#include <boost/filesystem/path.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::os {

/// The file that `path` becomes when it is turned over: "PATH.1".
[[nodiscard]] boost::filesystem::path turned_over(const boost::filesystem::path& path);

/// Appends `line` and a line break in one write(2); the file is made 0600, a symlink there is refused. A last line that
/// was torn (no line break) is ended first. When the file would pass `limit` bytes it is turned over before.
[[nodiscard]] Result<> append_line(const boost::filesystem::path& path, std::string_view line, std::size_t limit);

/// The last `limit` bytes at most, beginning with a whole line; empty when there is no such file.
[[nodiscard]] std::string read_tail(const boost::filesystem::path& path, std::size_t limit);

/// The bytes from `offset` on, `limit` at most; empty when there is no such file, or nothing there.
[[nodiscard]] std::string read_from(const boost::filesystem::path& path, std::size_t offset, std::size_t limit);

}  // namespace holdfast::os
