// Why a command ended, for scripts.
#pragma once

#include "core/error.hpp"

#include <string>

namespace holdfast::cli {

/// {"error": {"class": …, "message": …, "hint": …}}: what --json prints in place of the answer. No hint is null.
[[nodiscard]] std::string error_json(const Error& error);

}  // namespace holdfast::cli
