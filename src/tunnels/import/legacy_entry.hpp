// An existing autossh tunnel: a unit (scitex-tunnel's), a crontab line, or lines of a shell's start-up file.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "tunnels/import/autossh_command.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

namespace fs = boost::filesystem;

struct LegacyEntry {
  enum class Kind { unit, crontab, system_crontab, file };
  Kind kind = Kind::unit;
  std::string where;                     ///< "autossh-tunnel-2222.service", "your crontab", "/home/ann/.bashrc"
  fs::path file = {};                    ///< empty for a crontab that only crontab(1) may write
  std::size_t first_line = 0;            ///< counted from 0; unused for a unit
  std::string text = {};                 ///< its lines with their line breaks; unused for a unit
  std::optional<std::string> user = {};  ///< a unit's User=, or the user field of a system crontab
  StartLine start = {};                  ///< how to start it again; unused for a unit
  Result<AutosshCommand> command;        ///< or why it cannot be imported
};

/// The names of Kind in JSON.
[[nodiscard]] std::string_view to_text(LegacyEntry::Kind kind) noexcept;

/// Reads one unit file. `home`: the manager's, for "%h"; in the system scope it is root's, whatever User= says.
[[nodiscard]] LegacyEntry read_unit(const std::string& name, const fs::path& file, const std::string& text,
                                    const std::string& home);
/// The lines that start autossh, in order.
[[nodiscard]] std::vector<LegacyEntry> read_crontab_lines(const std::string& text, const std::string& home);
/// The same for /etc/crontab and /etc/cron.d, whose lines name a user. `home_of` gives that user's home, for "~".
[[nodiscard]] std::vector<LegacyEntry> read_system_crontab_lines(
    const fs::path& file, const std::string& text,
    const std::function<Result<std::string>(const std::string& user)>& home_of);
[[nodiscard]] std::vector<LegacyEntry> read_shell_lines(const fs::path& file, const std::string& text,
                                                        const std::string& home);

/// `text` with the source's lines turned into comments that name the tunnel; nothing when the lines are gone. In a
/// start-up file the first line becomes ":" with a comment, because an `if` around it needs a command.
[[nodiscard]] std::optional<std::string> without_source(const std::string& text, const LegacyEntry& source,
                                                        const TunnelName& name);
/// Undoes without_source(). Other lines may have changed meanwhile.
[[nodiscard]] std::optional<std::string> with_source(const std::string& text, const LegacyEntry& source,
                                                     const TunnelName& name);

}  // namespace holdfast::tunnels
