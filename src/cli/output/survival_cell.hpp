// A survival as a table cell: "yes", "no", "at login" or "within 60 s". JSON has Survival::text().
#pragma once

#include "cli/output/table.hpp"
#include "core/survives.hpp"

namespace holdfast::cli {

[[nodiscard]] Cell survival_cell(const Survival& survival);

}  // namespace holdfast::cli
