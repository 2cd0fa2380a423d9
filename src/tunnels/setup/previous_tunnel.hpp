// The tunnel that has the name before a setup.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/hand_over.hpp"
#include "store/paths.hpp"
#include "tunnels/control.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::tunnels {

/// The result of find_previous_tunnel(); never changed afterwards.
struct PreviousTunnel {
  bool existed = false;  ///< there is a tunnel file of that name, sound or not
  /// True when the tunnel is set up on this host. False when only other hosts of the same home have it.
  bool here = false;
  std::optional<Tunnel> tunnel = {};                        ///< nothing: its file is missing or not sound
  std::optional<Error> problem = {};                        ///< then: why
  std::vector<InstalledJob> installed_jobs = {};            ///< of this host; the one that the file names first
  std::optional<backends::Registration> registration = {};  ///< of the first job; nothing: its backend did not say
  bool running = false;                                     ///< a job or a supervisor of it runs
  std::optional<store::LiveState> live = {};                ///< of a supervisor that runs
  bool holds_forwards = false;                              ///< an ssh of it has its ports on the bastion
  std::string bastion = {};                                 ///< where it has them
  std::optional<store::HandOver> half_moved = {};           ///< a move of it that was cut short

  /// True when it can be handed over while it runs: it has one job, which runs, and its file is sound.
  [[nodiscard]] bool can_release() const noexcept { return tunnel && live && running && installed_jobs.size() == 1; }
  /// True when `backend` holds it and no move of it was cut short.
  [[nodiscard]] bool is_held_by(std::string_view backend) const;
  /// True when its runtime files are, or may be, in that directory.
  [[nodiscard]] bool lives_in(const fs::path& runtime_directory) const;
};

/// Reads files and asks backends; changes nothing.
[[nodiscard]] PreviousTunnel find_previous_tunnel(const TunnelName& name, const store::Paths& paths,
                                                  const os::Host& host);

}  // namespace holdfast::tunnels
