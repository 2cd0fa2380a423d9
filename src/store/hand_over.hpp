// A tunnel on its way from one backend to another, noted while it is: for the two supervisors, and for who tidies up
// when the command that moved it was cut short.
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
  std::string from;           ///< the backend that held it
  std::string to;             ///< the one that takes it over
  fs::path runtime_dir;       ///< where its runtime files were before
  bool was_lingering = true;  ///< whether the user's manager was kept from boot on before
  bool operator==(const HandOver&) const = default;
};

/// places.state_file(name, "handover"): in the kept state, for a power cut may leave two registrations.
[[nodiscard]] fs::path hand_over_file(const Paths& paths, const TunnelName& name);

[[nodiscard]] std::string format_hand_over(const HandOver& hand_over);
/// Nothing for any other text.
[[nodiscard]] std::optional<HandOver> parse_hand_over(std::string_view text);

/// Nothing when there is none, or the file is not ours alone.
[[nodiscard]] std::optional<HandOver> read_hand_over(const os::Host& host, const Paths& paths, const TunnelName& name);
[[nodiscard]] Result<> keep_hand_over(os::Host& host, const Paths& paths, const TunnelName& name,
                                      const HandOver& hand_over);

/// True while the command that does it lives: a supervisor that finds the tunnel held waits for its turn.
[[nodiscard]] bool is_under_way(const std::optional<HandOver>& hand_over, const os::Host& host);

}  // namespace holdfast::store
