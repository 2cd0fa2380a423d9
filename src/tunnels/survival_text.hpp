// Text about the faults that a tunnel survives.
#pragma once

#include "core/survives.hpp"

#include <string>

namespace holdfast::tunnels {

/// "survives a crash, a logout and a reboot", "does not survive a crash, survives a logout, …".
[[nodiscard]] std::string survival_text(const Survives& survives);

/// What `then` survives better than `now`: "survives a crash and a reboot".
[[nodiscard]] std::string survival_gain_text(const Survives& now, const Survives& then);

/// True when it survives a crash, a logout and a reboot without a delay.
[[nodiscard]] bool survives_everything(const Survives& survives);

}  // namespace holdfast::tunnels
