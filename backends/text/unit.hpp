// The systemd unit of a job: a template filled with encoded values.
#pragma once

#include "backends/backend.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::backends {

/// The text of holdfast-NAME.service. `template_name` is a file of templates/: "systemd-user.service" or
/// "systemd-system.service".
[[nodiscard]] Result<std::string> render_unit(const Job& job, const std::string& template_name, const os::Host& host);

/// The sandbox settings of a unit's text (NoNewPrivileges=, Protect…=, SystemCallFilter=, …) as `--property` arguments
/// of systemd-run, so that prove() runs in the sandbox of the real unit.
[[nodiscard]] std::vector<std::string> sandbox_arguments(std::string_view unit_text);

}  // namespace holdfast::backends
