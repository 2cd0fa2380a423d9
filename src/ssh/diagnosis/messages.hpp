// The table of what OpenSSH prints (7.4 to 10), line by line. Pure.
#pragma once

#include "core/failure.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// How much one line settles. An attempt ends on its last decisive line. `consequence` lines ("Connection closed by")
/// follow many causes and count when nothing better was said. A `circumstance` explains a decisive line and settles
/// nothing alone: a key that was not loaded explains a refused login. ssh goes on after a `remark`, so a remark never
/// explains why ssh ended.
enum class Weight { decisive, consequence, circumstance, remark };

struct Message {
  FailureClass failure;
  Weight weight;
  std::string_view line;  ///< without "\r"
};

/// The lines of `text` without their ends; empty ones are left out.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// What one whole line of ssh's own log means. Every pattern is anchored at the line's beginning: what the server
/// says ("Received disconnect from H port P:2: <its text>") never starts a line.
[[nodiscard]] std::optional<Message> recognise(std::string_view line) noexcept;

/// The part of `line` between `before` and `after` (to the end when `after` is empty); empty when they are not there.
[[nodiscard]] std::string_view between(std::string_view line, std::string_view before, std::string_view after) noexcept;

}  // namespace holdfast::ssh
