// The text of a crontab: crontab(5). One encoder for what is written into its lines; the edit between markers is
// backends/marked_block.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace holdfast::backends {

/// One word of a shell command as it stands in a crontab line: quoted for sh(1), and a "%", which cron takes for the
/// end of the command, hidden from it. Refuses control bytes: a line break would be a line of its own.
[[nodiscard]] Result<std::string> encode_crontab_word(std::string_view word);

/// KEY=VALUE for env(1), encoded likewise. The key is [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] Result<std::string> encode_crontab_assignment(std::string_view key, std::string_view value);

/// The longest command that cron takes: MAX_COMMAND of Vixie cron, less its end. cronie allows more.
inline constexpr std::size_t k_longest_crontab_command = 998;

}  // namespace holdfast::backends
