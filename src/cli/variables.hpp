// Environment variables that replace options, also from the file of --env-file.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// Lines of KEY=VALUE, with an optional "export ", '#' comments, and single or double quotes around the value. Nothing
/// is expanded. A usage error names file and line.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_environment_file(std::string_view text,
                                                                                const std::string& file);

class Variables {
 public:
  Variables() = default;
  Variables(const os::Host& host, std::map<std::string, std::string> file) : host_(&host), file_(std::move(file)) {}

  /// The file takes precedence over the environment. An empty value counts as none.
  [[nodiscard]] std::optional<std::string> get(const std::string& name) const;
  /// The value of the first name that has one: the new name, then scitex-tunnel's.
  [[nodiscard]] std::optional<std::string> first_of(std::initializer_list<const char*> names) const;

 private:
  const os::Host* host_ = nullptr;
  std::map<std::string, std::string> file_;
};

}  // namespace holdfast::cli
