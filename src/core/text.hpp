// Small text functions that treat every byte as hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// `text` made safe for a terminal and for one line: control bytes and invalid
/// UTF-8 become \xHH, a newline \n, a tab \t. Printable UTF-8 passes.
[[nodiscard]] std::string printable(std::string_view text);

/// True when a byte below 0x20 or 0x7f stands in `text`.
[[nodiscard]] bool has_control_bytes(std::string_view text) noexcept;

/// The whole of `text` as a decimal number in [lowest, highest]: no sign, no space, no
/// leading '+', at most 10 digits. Nothing otherwise.
[[nodiscard]] std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t lowest,
                                                        std::uint32_t highest) noexcept;

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// The parts of `text` between each `separator`; an empty text has one empty part.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): stable names for sockets, not a secret.
[[nodiscard]] std::uint64_t fnv1a(std::string_view text) noexcept;

}  // namespace holdfast
