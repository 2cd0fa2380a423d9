// What is outlived, in words.
#pragma once

#include "core/survives.hpp"

#include <string>

namespace holdfast::cli {

/// "survives a crash, a logout and a reboot", "does not survive a crash, survives a logout, …".
[[nodiscard]] std::string survives_words(const Survives& survives);

/// True when there is nothing that it does not survive at once.
[[nodiscard]] bool survives_everything(const Survives& survives);

}  // namespace holdfast::cli
