// A legacy autossh tunnel while holdfast replaces it: stopped, then disabled for good or restored.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "tunnels/import/legacy_entry.hpp"

#include <memory>
#include <string>
#include <vector>

namespace holdfast::tunnels {

class LegacyTunnel {
 public:
  virtual ~LegacyTunnel() = default;
  /// Ends its processes, and prevents that they are started again meanwhile.
  [[nodiscard]] virtual Result<> stop() = 0;
  /// Disables it for good, without deleting anything. Call it only once a successor is verified.
  [[nodiscard]] virtual Result<> retire() = 0;
  /// Undoes stop() and retire(): same bytes, enabled, and running if it ran. Returns what could not be restored, one
  /// line each.
  [[nodiscard]] virtual std::vector<std::string> restore() = 0;
  /// Each change of the above, for --dry-run.
  [[nodiscard]] virtual std::vector<std::string> plan() const = 0;
  /// How a person re-enables it later.
  [[nodiscard]] virtual std::string undo_text() const = 0;
};

/// `source`: an entry whose command was understood. `scope`: whose units. `owner`: the user that runs a line's command.
[[nodiscard]] std::unique_ptr<LegacyTunnel> make_legacy_tunnel(const LegacyEntry& source, const TunnelName& name,
                                                               Scope scope, os::User owner, os::Host& host);

}  // namespace holdfast::tunnels
