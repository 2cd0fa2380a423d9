// Encodes words for a line of a crontab: crontab(5). text/marked_block inserts the lines.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace holdfast::backends {

/// One word of a shell command in a crontab line, quoted for sh(1). A "%" is escaped: cron would end the command there.
/// Refuses control bytes: a line break would start another crontab line.
[[nodiscard]] Result<std::string> encode_crontab_word(std::string_view word);

/// KEY=VALUE for env(1), encoded in the same way. The key is [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] Result<std::string> encode_crontab_assignment(std::string_view key, std::string_view value);

/// The longest command that every cron accepts, in bytes: MAX_COMMAND of Vixie cron minus the NUL. cronie allows more.
inline constexpr std::size_t k_longest_crontab_command = 998;

}  // namespace holdfast::backends
