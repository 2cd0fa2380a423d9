// The name of a tunnel: safe as a file name, a unit name and a session name.
#pragma once

#include "core/result.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace holdfast {

/// [A-Za-z0-9][A-Za-z0-9._-]{0,63}
class TunnelName {
 public:
  /// A usage error for anything else.
  [[nodiscard]] static Result<TunnelName> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  auto operator<=>(const TunnelName&) const = default;

 private:
  explicit TunnelName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace holdfast
