// The table of messages that OpenSSH 7.4 to 10 prints, one line each. Pure.
#pragma once

#include "core/failure.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace holdfast::ssh {

/// How strongly a line explains the end of ssh. The last `decisive` line is the cause. A `consequence` ("Connection
/// closed by") follows many causes and counts only without a decisive line. A `circumstance` explains a decisive line
/// and is no cause alone: a key that was not loaded explains a refused login. After a `remark` ssh continues, so it
/// never explains the end.
enum class Weight { decisive, consequence, circumstance, remark };

struct Message {
  FailureClass failure;
  Weight weight;
  std::string_view line;  ///< without "\r"
};

/// The lines of `text` without line breaks and without empty lines.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// The meaning of one whole line of ssh's log; nothing for an unknown line. Every pattern matches from the beginning of
/// the line, where text of the server never stands ("Received disconnect from H port P:2: <its text>").
[[nodiscard]] std::optional<Message> recognise(std::string_view line) noexcept;

/// The part of `line` between `before` and `after` (to the end when `after` is empty); empty when one is missing.
[[nodiscard]] std::string_view between(std::string_view line, std::string_view before, std::string_view after) noexcept;

}  // namespace holdfast::ssh
