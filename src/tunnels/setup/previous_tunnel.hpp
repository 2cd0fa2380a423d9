// The tunnel that had the name before a setup: stopped for the new one, back if that fails.
#pragma once

#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/hand_over.hpp"
#include "store/paths.hpp"
#include "tunnels/control.hpp"

#include <optional>
#include <vector>

namespace holdfast::tunnels {

class PreviousTunnel {
 public:
  /// An Error when the tunnel belongs to another host, unless `wanted_host` says that it is to be this one's.
  [[nodiscard]] static Result<PreviousTunnel> find(const TunnelName& name, const store::Paths& paths,
                                                   const std::optional<std::string>& wanted_host, const os::Host& host);

  [[nodiscard]] bool existed() const noexcept { return existed_; }
  /// True when it was set up on this host: another one of the same home may have brought its file.
  [[nodiscard]] bool was_here() const noexcept { return here_; }
  [[nodiscard]] const std::optional<Tunnel>& tunnel() const noexcept { return tunnel_; }  ///< if its file is sound
  [[nodiscard]] const std::vector<InstalledJob>& installed_jobs() const noexcept { return installed_jobs_; }
  [[nodiscard]] const std::optional<store::LiveState>& live() const noexcept { return live_; }  ///< if it lives

  /// Its forwards are taken on the bastion by an ssh of ours, which outlives a supervisor that was killed.
  [[nodiscard]] bool holds_forwards() const noexcept { return holds_forwards_; }

  /// Where they are taken.
  [[nodiscard]] const std::string& bastion() const noexcept { return bastion_; }

  /// A move of it that was cut short.
  [[nodiscard]] const std::optional<store::HandOver>& half_moved() const noexcept { return half_moved_; }

  /// True when it can be handed over while it runs: it lives, one backend holds it, and its file is sound.
  [[nodiscard]] bool can_release() const noexcept { return tunnel_ && live_ && ran_ && installed_jobs_.size() == 1; }
  /// To be called before the successor is started.
  [[nodiscard]] Result<> prepare_release(const os::Host& host);
  [[nodiscard]] const backends::Plan& release_steps() const noexcept { return release_; }
  /// Ends it for the successor that waits; bring_back() starts it again.
  [[nodiscard]] Result<> release(os::Host& host);

  /// Ends it; bring_back() starts it again if it ran.
  [[nodiscard]] Result<> stop(os::Host& host);
  /// After its files are back. Waits until it is up, or some seconds.
  [[nodiscard]] Result<> bring_back(os::Host& host) const;
  [[nodiscard]] bool was_running() const noexcept { return ran_; }
  /// True when its runtime files are, or may be, in that directory.
  [[nodiscard]] bool lives_in(const fs::path& runtime_directory) const;

 private:
  bool existed_ = false;
  bool here_ = false;
  std::optional<Tunnel> tunnel_;
  std::vector<InstalledJob> installed_jobs_;
  std::optional<store::LiveState> live_;
  bool holds_forwards_ = false;
  std::string bastion_;
  std::optional<store::HandOver> half_moved_;
  backends::Plan release_;
  bool ran_ = false;
  bool stopped_ = false;
};

}  // namespace holdfast::tunnels
