// Who listens on the bastion's end of a refused forward, from the answer of a probe. Pure.
#pragma once

#include "core/forward.hpp"
#include "ssh/mux/mux_client.hpp"
#include "supervisor/machine/events.hpp"

#include <string_view>

namespace holdfast::supervisor {

/// `log_lines`: what ssh logged during the probe.
[[nodiscard]] PortHolderAnswered port_holder_of(const ssh::mux::ProbeAnswer& reply, const End& listen,
                                                std::string_view log_lines);

}  // namespace holdfast::supervisor
