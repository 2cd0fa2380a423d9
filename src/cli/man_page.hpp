// The manual pages, embedded in the program, because a copied binary has none installed.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace holdfast::cli {

/// A page as text with overstrikes, as man(1) renders it. `name`: "holdfast", "holdfast.conf", "holdfast-backends",
/// with or without its section (".5"). A usage error names the nearest page.
[[nodiscard]] Result<std::string_view> man_page(const std::string& name);

/// `text` without its overstrikes (a character, a backspace, the same character: bold). With `colour`, bold is painted.
[[nodiscard]] std::string render_overstrikes(std::string_view text, bool colour);

/// The rendered text of man/NAME; empty when there is none.
[[nodiscard]] std::string_view embedded_man_page(std::string_view name) noexcept;

}  // namespace holdfast::cli
