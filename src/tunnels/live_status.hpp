// The state of a tunnel, from what its supervisor published last, and from what runs.
#pragma once

#include "backends/backend.hpp"
#include "store/live_state.hpp"
#include "tunnels/status.hpp"

#include <optional>
#include <vector>

namespace holdfast::tunnels {

/// The supervisor runs. What it published in `directory` is not believed where its ssh has died, where one of both is
/// stopped, or where it cannot publish anything else.
void add_live_state(TunnelStatus& status, const store::LiveState& live, const store::fs::path& directory,
                    const os::Host& host);

/// Nor is a supervisor believed that hangs in the kernel. Waits a fraction of a second if one seems to.
void doubt_unresponsive(std::vector<TunnelStatus>& statuses, const os::Host& host);

/// A supervisor that ends by itself publishes `stopped`, and a stop by holdfast removes the file.
[[nodiscard]] bool was_killed(const std::optional<store::LiveState>& last, const os::Host& host);
/// `ssh`: the one that it left.
void add_killed(TunnelStatus& status, const std::optional<os::ProcessId>& ssh);

/// No supervisor runs.
void add_no_supervisor(TunnelStatus& status, const store::Paths& paths, const TunnelName& name,
                       const std::optional<backends::Registration>& registration);

/// The supervisor runs, but publishes nothing here.
void add_survivor(TunnelStatus& status, const os::ProcessId& supervisor, const backends::Job& job,
                  const os::Host& host);

}  // namespace holdfast::tunnels
