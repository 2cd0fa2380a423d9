// What the tools' results look like, as JSON Schema 2020-12. Tests hold every result to it.
#pragma once

#include <string_view>

namespace holdfast::cli {

[[nodiscard]] std::string_view status_schema();
[[nodiscard]] std::string_view setup_schema();
[[nodiscard]] std::string_view remove_schema();
[[nodiscard]] std::string_view doctor_schema();
[[nodiscard]] std::string_view logs_schema();
[[nodiscard]] std::string_view client_config_schema();

}  // namespace holdfast::cli
