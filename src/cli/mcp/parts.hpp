// The commands of the group mcp, one file each.
#pragma once

#include "cli/command.hpp"

namespace holdfast::cli {

[[nodiscard]] const Command& mcp_installation_part();
[[nodiscard]] const Command& mcp_doctor_part();

}  // namespace holdfast::cli
