// What somebody else's hands keep up by autossh: a unit of scitex-tunnel's, a line of a crontab, a start-up file's.
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
  fs::path file = {};                    ///< none for what crontab(1) alone may write
  std::size_t first_line = 0;            ///< but for a unit, from 0
  std::string text = {};                 ///< there: the lines of it, each with its line break
  std::optional<std::string> user = {};  ///< of a unit: User=; of a system crontab: whom the line names
  ssh::StartLine start = {};             ///< but for a unit: how it is started again
  Result<ssh::AutosshCommand> command;   ///< or why it is not understood
};

/// The words of Kind, for JSON.
[[nodiscard]] std::string_view to_text(LegacyEntry::Kind kind) noexcept;

/// One unit file. `home`: of whom its manager runs as, for "%h" (root's in the system scope, whatever its User=).
[[nodiscard]] LegacyEntry read_unit(const std::string& name, const fs::path& file, const std::string& text,
                                    const std::string& home);
/// Every line that starts autossh, in the order of the text.
[[nodiscard]] std::vector<LegacyEntry> read_crontab_lines(const std::string& text, const std::string& home);
/// The same of /etc/crontab or a file of /etc/cron.d, whose lines name a user; `home_of` that one, "~" of the line.
[[nodiscard]] std::vector<LegacyEntry> read_system_crontab_lines(
    const fs::path& file, const std::string& text,
    const std::function<Result<std::string>(const std::string& user)>& home_of);
[[nodiscard]] std::vector<LegacyEntry> read_shell_lines(const fs::path& file, const std::string& text,
                                                        const std::string& home);

/// `text` with the source's lines made comments that name the tunnel; nothing when they are not there any more. In a
/// start-up file the first becomes a command that does nothing, since what stands around it may need one.
[[nodiscard]] std::optional<std::string> without_source(const std::string& text, const LegacyEntry& source,
                                                        const TunnelName& name);
/// The way back, whatever else has changed in the text meanwhile.
[[nodiscard]] std::optional<std::string> with_source(const std::string& text, const LegacyEntry& source,
                                                     const TunnelName& name);

}  // namespace holdfast::tunnels
