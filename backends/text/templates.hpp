// The files of templates/, embedded in the program. A copy in the scope's template directory takes precedence.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

#include <string>
#include <string_view>

namespace holdfast::backends {

struct Template {
  std::string text;
  std::string source;  ///< for messages: "templates/NAME" or the copy's path
};

/// The embedded text of templates/NAME; empty for an unknown name.
[[nodiscard]] std::string_view embedded_template(std::string_view name) noexcept;

/// The copy in paths.templates if it exists, else the embedded text. The copy contains commands: it must be a regular
/// file of the user or root that nobody else can write.
[[nodiscard]] Result<Template> find_template(const std::string& name, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::backends
