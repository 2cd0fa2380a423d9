// The texts of templates/, embedded in the program; a copy in the scope's template directory wins.
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

/// The embedded text of templates/NAME; empty when there is none.
[[nodiscard]] std::string_view embedded_template(std::string_view name) noexcept;

/// The copy in places.templates if there is one, else the embedded text. A copy must be a plain file of the user's (or
/// root's) that nobody else can write: what it says is run.
[[nodiscard]] Result<Template> find_template(const std::string& name, const store::Paths& paths, const os::Host& host);

}  // namespace holdfast::backends
