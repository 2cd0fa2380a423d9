// Records that the user stopped a tunnel, so that `ensure` (from cron or a login hook) does not start it again.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::backends {

/// NAME.stopped in the persistent state directory. Only `start` and `remove` delete it.
[[nodiscard]] fs::path stop_mark_file(const TunnelName& name, const store::Paths& paths);

/// The step that writes the mark. It is valid for this boot only, like `systemctl stop`.
[[nodiscard]] Step leave_stop_mark(const TunnelName& name, const store::Paths& paths, const os::Host& host);

[[nodiscard]] bool has_stop_mark(const TunnelName& name, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::backends
