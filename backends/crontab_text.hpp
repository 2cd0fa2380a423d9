// The text of a crontab: crontab(5). One encoder for what is written into its lines, and the edit between markers that
// keeps every other byte.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// One word of a shell command as it stands in a crontab line: quoted for sh(1), and a "%", which cron takes for the
/// end of the command, hidden from it. Refuses control bytes: a line break would be a line of its own.
[[nodiscard]] Result<std::string> encode_crontab_word(std::string_view word);

/// KEY=VALUE for env(1), encoded likewise. The key is [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] Result<std::string> encode_crontab_assignment(std::string_view key, std::string_view value);

/// The longest command that cron takes: MAX_COMMAND of Vixie cron, less its end. cronie allows more.
inline constexpr std::size_t k_longest_crontab_command = 998;

// The block of a tunnel stands between "# >>> holdfast NAME >>>" and "# <<< holdfast NAME <<<". A marker without its
// fellow, and any of another name, is somebody's text and stays. A CR before the line break does not hide a marker.

/// What stands between the markers of `name`, nothing when there is no block.
[[nodiscard]] std::optional<std::string> block_of(std::string_view crontab, const TunnelName& name);

/// The crontab with `lines` (each ended by a line break) as the block of `name`: in the place of the first one there
/// was, else at the end. A last line without a line break gets one, and the block notes that.
[[nodiscard]] std::string with_block(std::string_view crontab, const TunnelName& name, std::string_view lines);

/// The crontab without any block of `name`. What with_block() has added, this takes away, to the byte.
[[nodiscard]] std::string without_block(std::string_view crontab, const TunnelName& name);

}  // namespace holdfast::backends
