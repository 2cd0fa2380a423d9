// An autossh command line as the settings of a tunnel. Pure.
#pragma once

#include "core/tunnel.hpp"
#include "tunnels/import/command_line.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::tunnels {

struct AutosshCommand {
  Destination bastion;
  std::vector<Forward> forwards;
  std::optional<std::string> identity = {};  ///< as it was given
  std::vector<SshOption> ssh_options = {};
  std::vector<std::string> notes = {};  ///< arguments that are dropped, and why
  bool in_background = false;           ///< -f
  bool operator==(const AutosshCommand&) const = default;
  /// True when both hold the same ports of the same bastion.
  [[nodiscard]] bool is_same_tunnel(const AutosshCommand& other) const {
    return bastion == other.bastion && forwards == other.forwards;
  }
};

/// `argv` starts with autossh. An Error names an argument that a tunnel cannot have.
[[nodiscard]] Result<AutosshCommand> read_autossh(const std::vector<std::string>& argv);

/// True for "autossh" and for a path to it.
[[nodiscard]] bool names_autossh(std::string_view word) noexcept;

/// A line of sh(1) that starts autossh.
struct StartLine {
  std::vector<std::string> argv;
  std::vector<std::string> assignments;  ///< "NAME=VALUE" before the command
};
/// Drops redirections, "&", nohup and the like, and a `pgrep … ||` or `sleep … &&` before the command. An Error names
/// anything else.
[[nodiscard]] Result<StartLine> read_start_line(const std::vector<Token>& tokens);

}  // namespace holdfast::tunnels
