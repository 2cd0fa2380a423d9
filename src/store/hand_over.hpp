// The note of a `move` in progress. Both supervisors read it, and so does the command that cleans up after an
// interrupted move.
#pragma once

#include "core/result.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::store {

struct HandOver {
  os::ProcessId by;           ///< the command that moves it
  std::string from;           ///< the old backend
  std::string to;             ///< the new backend
  fs::path runtime_dir;       ///< before the move
  bool was_lingering = true;  ///< whether linger was on before the move
  bool operator==(const HandOver&) const = default;
};

/// paths.state_file(name, "handover"). It must survive a power cut, which can leave both backends installed.
[[nodiscard]] fs::path hand_over_file(const Paths& paths, const TunnelName& name);

[[nodiscard]] std::string format_hand_over(const HandOver& hand_over);
/// Nothing for an invalid note.
[[nodiscard]] std::optional<HandOver> parse_hand_over(std::string_view text);

/// Nothing when there is no note, or another user can write to it.
[[nodiscard]] std::optional<HandOver> read_hand_over(const os::Host& host, const Paths& paths, const TunnelName& name);
[[nodiscard]] Result<> keep_hand_over(os::Host& host, const Paths& paths, const TunnelName& name,
                                      const HandOver& hand_over);

/// True while the moving command runs: a new supervisor then waits for the lock of the old one.
[[nodiscard]] bool is_under_way(const std::optional<HandOver>& hand_over, const os::Host& host);

}  // namespace holdfast::store
