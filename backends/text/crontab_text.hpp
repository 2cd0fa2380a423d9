// The lines of tunnels in a crontab, and the encoding of their words: crontab(5).
#pragma once

#include "core/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::backends {

/// One word of a shell command in a crontab line, quoted for sh(1). A "%" is escaped: cron would end the command there.
/// Refuses control bytes: a line break would start another crontab line.
[[nodiscard]] Result<std::string> encode_crontab_word(std::string_view word);

/// KEY=VALUE for env(1), encoded in the same way. The key is [A-Za-z_][A-Za-z0-9_]*.
[[nodiscard]] Result<std::string> encode_crontab_assignment(std::string_view key, std::string_view value);

// Tunnels with the same command share one block of the crontab, so that cron starts one process for all of them. Its
// label has their names, separated by spaces, and its commands end in the same names.

/// The lines of tunnel `name`, as if it had the block alone; empty when it is in no block.
[[nodiscard]] std::optional<std::string> crontab_lines_of(std::string_view crontab, const std::string& name);

/// The part above the block of tunnel `name`: its assignments apply to the lines of the block. All of it, when the
/// tunnel is in no block.
[[nodiscard]] std::string_view crontab_above(std::string_view crontab, const std::string& name);

/// The value that the last assignment of these lines gives the variable, as cron reads it; empty when there is none.
[[nodiscard]] std::optional<std::string> crontab_variable(std::string_view lines, std::string_view variable);

/// The crontab with these lines for the tunnel, or with none. They join the block of tunnels with the same command,
/// unless the command would be longer than k_longest_crontab_command. Every byte outside of such blocks stays.
[[nodiscard]] std::string with_crontab_lines(std::string_view crontab, const std::string& name,
                                             const std::optional<std::string>& lines);

/// The longest command that every cron accepts, in bytes: MAX_COMMAND of Vixie cron minus the NUL. cronie allows more.
inline constexpr std::size_t k_longest_crontab_command = 998;

}  // namespace holdfast::backends
