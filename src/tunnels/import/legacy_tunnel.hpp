// The old keeper of a port, while holdfast takes it over: told to let go, kept from coming back, or put back in its
// place.
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
  /// Ends what runs, and keeps it from being started again meanwhile.
  [[nodiscard]] virtual Result<> let_go() = 0;
  /// To be called only once a successor is verified: keeps the old one away for good. Nothing is deleted.
  [[nodiscard]] virtual Result<> retire() = 0;
  /// As it was before let_go(): byte for byte, enabled, and running if it ran. What could not be put back, as lines.
  [[nodiscard]] virtual std::vector<std::string> restore() = 0;
  /// Each thing that the above would do, for --dry-run.
  [[nodiscard]] virtual std::vector<std::string> plan() const = 0;
  /// How a person undoes it later.
  [[nodiscard]] virtual std::string way_back() const = 0;
};

/// `source`: one that is understood. `scope`: whose units. `owner`: who runs what a line starts.
[[nodiscard]] std::unique_ptr<LegacyTunnel> make_legacy_tunnel(const LegacyEntry& source, const TunnelName& name,
                                                               Scope scope, os::User owner, os::Host& host);

}  // namespace holdfast::tunnels
