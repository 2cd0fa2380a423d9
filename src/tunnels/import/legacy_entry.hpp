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
  /// An import to this tunnel did not end: the line of the crontab is a comment (LineState::replacing). `text` is the
  /// line without it.
  std::optional<TunnelName> interrupted = {};
  Result<AutosshCommand> command;  ///< or why it cannot be imported
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

/// The lines of a source while it is imported. cron would run an active line again meanwhile.
enum class LineState {
  active,
  replacing,  ///< a comment, until the tunnel is verified: "# holdfast replaces it (tunnel 2222): …"
  replaced,   ///< a comment: "# holdfast has it (tunnel 2222): …"
};

/// `text` with the source's lines in another state; nothing when they are not there. Other lines may have changed
/// meanwhile. In a start-up file the first line becomes ":" with a comment, because an `if` around it needs a command.
[[nodiscard]] std::optional<std::string> with_lines(const std::string& text, const LegacyEntry& source,
                                                    const TunnelName& name, LineState from, LineState to);

}  // namespace holdfast::tunnels
