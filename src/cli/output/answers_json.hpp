// The small answers of --json. Those about tunnels and hosts are in status_json.cpp and doctor_json.cpp.
#pragma once

#include "core/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

/// {"error": {"class": …, "message": …, "hint": …}}: what --json prints on failure. An empty hint is null.
[[nodiscard]] std::string error_json(const Error& error);

/// One tunnel, and a line for each thing that was removed.
struct Removed {
  std::string name;
  std::vector<std::string> report;
};

/// {"removed": [{"name": …, "report": […]}], "error": …}: what was removed, and the last failure or null.
[[nodiscard]] std::string removal_json(const std::vector<Removed>& removed, const std::optional<Error>& failure);

/// {"name": …, "lines": […]}
[[nodiscard]] std::string log_json(const std::string& name, const std::vector<std::string>& lines);

/// {"plan": […], "checked": false}: a dry run does not check the bastion.
[[nodiscard]] std::string plan_json(const std::vector<std::string>& lines);

}  // namespace holdfast::cli
