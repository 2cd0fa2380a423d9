// The answers of --json that are no more than a few words; those about tunnels and hosts have files of their own.
#pragma once

#include "core/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::cli {

/// {"error": {"class": …, "message": …, "hint": …}}: what --json prints in place of the answer. No hint is null.
[[nodiscard]] std::string error_json(const Error& error);

/// One tunnel, and a line for each thing of it that is gone.
struct Removed {
  std::string name;
  std::vector<std::string> report;
};

/// {"removed": [{"name": …, "report": […]}], "error": …}: what is gone, also where something failed; the last failure.
[[nodiscard]] std::string removal_json(const std::vector<Removed>& removed, const std::optional<Error>& failure);

/// {"name": …, "lines": […]}
[[nodiscard]] std::string log_json(const std::string& name, const std::vector<std::string>& lines);

/// {"plan": […]}
[[nodiscard]] std::string plan_json(const std::vector<std::string>& lines);

}  // namespace holdfast::cli
