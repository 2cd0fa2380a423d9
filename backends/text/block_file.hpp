// Edits a marked block in one of the user's files.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

/// The lines between the markers of `label` in `file`; empty when the block or the file does not exist. An Error when
/// the file cannot be read.
[[nodiscard]] Result<std::optional<std::string>> read_block(const fs::path& file, std::string_view label,
                                                            const os::Host& host);

/// Returns the Error that edit_block() would return now, if any.
[[nodiscard]] Result<> check_block_edit(const EditBlock& step, const os::Host& host);

/// Executes the step. A missing file is created with its directories, and the block records that: removing the block
/// removes them again, unless anything else was added. A symbolic link is followed and stays.
///
/// An Error, with nothing changed, for: anything but a regular file of this user, a read-only file, a dangling link, a
/// link into a directory that others can write, and a marker of `label` without its counterpart.
///
/// An edit by another program at the same time is detected, and the step repeated on top of it. Returns the step that
/// undoes it, empty when nothing had to change.
[[nodiscard]] Result<std::optional<EditBlock>> edit_block(const EditBlock& step, os::Host& host);

}  // namespace holdfast::backends
