// What somebody else's autossh command asks for, as a tunnel could have it. Pure.
#pragma once

#include "core/tunnel.hpp"
#include "tunnels/import/command_line.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

struct AutosshCommand {
  Destination bastion;
  std::vector<Forward> forwards;
  std::optional<std::string> identity = {};  ///< as it was given
  std::vector<SshOption> ssh_options = {};
  std::vector<std::string> notes = {};  ///< what is left out, since a tunnel does it by itself or never would
  bool in_background = false;           ///< -f
  bool operator==(const AutosshCommand&) const = default;
  /// True when both hold the same ports of the same bastion.
  [[nodiscard]] bool is_same_tunnel(const AutosshCommand& other) const {
    return bastion == other.bastion && forwards == other.forwards;
  }
};

/// An argument list whose first word is autossh. An Error names the argument that no tunnel could have.
[[nodiscard]] Result<AutosshCommand> read_autossh(const std::vector<std::string>& argv);

/// True for "autossh" and for a path to it.
[[nodiscard]] bool names_autossh(std::string_view word) noexcept;

/// The argument list in a line of sh(1) that starts autossh, and the variables set before it. What may stand around it
/// is dropped: redirections, "&", nohup and the like, a `pgrep … ||` or `sleep … &&` before it. An Error names anything
/// else.
struct StartLine {
  std::vector<std::string> argv;
  std::vector<std::string> assignments;
};
[[nodiscard]] Result<StartLine> read_start_line(const std::vector<Token>& tokens);

}  // namespace holdfast::ssh
