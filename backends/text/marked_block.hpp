// A block between two markers in a text that other programs edit too. Every other byte stays unchanged.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

// The block of LABEL lies between "# >>> holdfast LABEL >>>" and "# <<< holdfast LABEL <<<". The label of a tunnel's
// block is its name; other labels contain a space. A marker without its counterpart, or of another label, is ordinary
// text. A marker may have a CR before its line break.

/// The lines between the markers of `label`; empty when there is no block.
[[nodiscard]] std::optional<std::string> block_of(std::string_view text, std::string_view label);

/// The text with `lines` (each with its line break) as the block of `label`, in place of the first such block, else at
/// the end. A last line without a line break gets one, and the block records that.
[[nodiscard]] std::string with_block(std::string_view text, std::string_view label, std::string_view lines);

/// The text without its blocks of `label`: the exact inverse of with_block().
[[nodiscard]] std::string without_block(std::string_view text, std::string_view label);

/// The text of a file that is created for the block. The block records that, and how many directories were created.
[[nodiscard]] std::string block_alone(std::string_view label, std::string_view lines, std::size_t made_directories);

/// If the text is such a block and nothing else: the number of directories created for it.
[[nodiscard]] std::optional<std::size_t> made_for_block(std::string_view text, std::string_view label);

/// The number (from 1) of the first line that is a marker of `label` without its counterpart.
[[nodiscard]] std::optional<std::size_t> find_stray_marker(std::string_view text, std::string_view label);

/// The two markers and `lines` between them.
[[nodiscard]] std::string marked(std::string_view label, std::string_view lines);

}  // namespace holdfast::backends
