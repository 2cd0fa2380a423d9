// The edit between markers, done to a file of the user's.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/result.hpp"
#include "os/host.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

/// What stands between the markers of `label` in `file`, nothing when there is no block or no file. An Error when it
/// cannot be read.
[[nodiscard]] Result<std::optional<std::string>> read_block(const fs::path& file, std::string_view label,
                                                            const os::Host& host);

/// An Error where edit_block() would refuse, as things stand now.
[[nodiscard]] Result<> check_block_edit(const EditBlock& step, const os::Host& host);

/// Carries the step out. A file that is missing is made, with its directories, and the block notes that: when nothing
/// but that block is left to take away, so is what was made. A link is followed and stays. Refused, with nothing
/// changed: what is no plain file, is not ours, is read-only, is a link that leads nowhere or to where others write, or
/// holds a marker of `label` without its fellow. Somebody who edits it at the very moment is noticed, and the edit done
/// again on what they wrote. Returns the step that undoes it, nothing when there was nothing to do.
[[nodiscard]] Result<std::optional<EditBlock>> edit_block(const EditBlock& step, os::Host& host);

}  // namespace holdfast::backends
