// A tunnel that lives as long as a command, which runs in this process. Another process, the sidecar, supervises the
// tunnel and runs the private sshd. It ends when the command has ended.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/live_state.hpp"
#include "tunnels/command_tunnel/command_request.hpp"
#include "tunnels/control.hpp"

#include <chrono>

namespace holdfast::tunnels {

/// A running sidecar. It is no child of this process, so the command does not get its exit status.
class CommandTunnel {
 public:
  /// Makes the tunnel's private directory, the keys and the configuration of the private sshd, and starts the sidecar.
  /// Removes what killed sidecars left. After an Error nothing is left.
  [[nodiscard]] static Result<CommandTunnel> start(const CommandRequest& request, os::Host& host, Observer& observer);

  /// Waits until the tunnel is up, or its forward is open and --target is still down. Returns earlier when the sidecar
  /// has ended, or after a failure that needs manual action.
  [[nodiscard]] Arrival wait(std::chrono::milliseconds timeout) const;

  /// With the port that the bastion has granted, after wait().
  [[nodiscard]] Result<Tunnel> tunnel() const;
  [[nodiscard]] bool leads_to_sshd() const noexcept { return leads_to_sshd_; }
  [[nodiscard]] fs::path log_file() const;

 private:
  [[nodiscard]] bool is_final(const store::LiveState& live, const Arrival& arrival) const;
  void explain(Arrival& arrival, bool is_running) const;

  CommandTunnel(fs::path directory, os::ProcessId sidecar, const CommandRequest& request, os::Host& host)
      : directory_(std::move(directory)),
        sidecar_(std::move(sidecar)),
        leads_to_sshd_(!request.target),
        has_range_(!request.ports.is_single()),
        host_(&host) {}

  fs::path directory_;
  os::ProcessId sidecar_;
  bool leads_to_sshd_;
  bool has_range_;
  os::Host* host_;
};

}  // namespace holdfast::tunnels
