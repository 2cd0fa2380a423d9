// What is outlived, in words.
#pragma once

#include "core/survives.hpp"

#include <string>

namespace holdfast::tunnels {

/// "survives a crash, a logout and a reboot", "does not survive a crash, survives a logout, …".
[[nodiscard]] std::string survival_text(const Survives& survives);

/// What `then` outlives better than `now`: "survives a crash and a reboot".
[[nodiscard]] std::string survival_gain_text(const Survives& now, const Survives& then);

/// True when there is nothing that it does not survive at once.
[[nodiscard]] bool survives_everything(const Survives& survives);

}  // namespace holdfast::tunnels
