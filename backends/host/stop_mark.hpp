// That a person stopped a tunnel: what a watchdog leaves alone until the machine starts again.
#pragma once

#include "backends/plan/plan.hpp"
#include "core/tunnel_name.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::backends {

/// places.state_file(name, "stopped"): in the kept state, for nothing may take it away but a start or a removal.
[[nodiscard]] fs::path stop_mark_file(const TunnelName& name, const store::Paths& paths);

/// The step that leaves the mark. It holds for this boot only, as `systemctl stop` does.
[[nodiscard]] Step leave_stop_mark(const TunnelName& name, const store::Paths& paths, const os::Host& host);

[[nodiscard]] bool has_stop_mark(const TunnelName& name, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::backends
