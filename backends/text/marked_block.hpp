// A block of ours in a text that is somebody else's: between markers, with every other byte kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

// The block of LABEL stands between "# >>> holdfast LABEL >>>" and "# <<< holdfast LABEL <<<". The label of a tunnel is
// its name; one that is no tunnel's holds a space. A marker without its fellow, and any of another label, is somebody's
// text and stays. A CR before the line break does not hide a marker.

/// What stands between the markers of `label`, nothing when there is no block.
[[nodiscard]] std::optional<std::string> block_of(std::string_view text, std::string_view label);

/// The text with `lines` (each ended by a line break) as the block of `label`: in the place of the first one there was,
/// else at the end. A last line without a line break gets one, and the block notes that.
[[nodiscard]] std::string with_block(std::string_view text, std::string_view label, std::string_view lines);

/// The text without any block of `label`. What with_block() has added, this takes away, to the byte.
[[nodiscard]] std::string without_block(std::string_view text, std::string_view label);

/// The text of a file that is made for the block alone, which notes that, and for how many directories it is true too.
[[nodiscard]] std::string block_alone(std::string_view label, std::string_view lines, std::size_t made_directories);

/// When the text is nothing but such a block: how many directories were made for it.
[[nodiscard]] std::optional<std::size_t> made_for_block(std::string_view text, std::string_view label);

/// The number (from 1) of the first line that is a marker of `label` without its fellow.
[[nodiscard]] std::optional<std::size_t> find_stray_marker(std::string_view text, std::string_view label);

/// The two markers and `lines` between them.
[[nodiscard]] std::string marked(std::string_view label, std::string_view lines);

}  // namespace holdfast::backends
