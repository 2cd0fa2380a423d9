// The variables that stand in for options, from the environment and from the file that --env-file names.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::cli {

/// KEY=VALUE lines: an optional "export ", '#' comments, single or double quotes around the value. Nothing is
/// expanded and no shell ever sees it. An error names file and line and is a usage error.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_environment_file(std::string_view text,
                                                                                const std::string& file);

class Variables {
 public:
  Variables() = default;
  Variables(const os::Host& host, std::map<std::string, std::string> file) : host_(&host), file_(std::move(file)) {}

  /// A file that was named on this command line speaks before the environment. An empty value is none.
  [[nodiscard]] std::optional<std::string> get(const std::string& name) const;
  /// The first of several names that has a value: the new one, then scitex-tunnel's.
  [[nodiscard]] std::optional<std::string> first_of(std::initializer_list<const char*> names) const;

 private:
  const os::Host* host_ = nullptr;
  std::map<std::string, std::string> file_;
};

}  // namespace holdfast::cli
