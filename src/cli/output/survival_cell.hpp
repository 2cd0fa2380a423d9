// "yes", "no", "at login", "within 60 s": what a tunnel survives, for a person. JSON has Survival::text().
#pragma once

#include "cli/output/table.hpp"
#include "core/survives.hpp"

namespace holdfast::cli {

[[nodiscard]] Cell survival_cell(const Survival& survival);

}  // namespace holdfast::cli
