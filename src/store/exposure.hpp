// A forward that listens on more addresses of the bastion than was asked for. Pure.
#pragma once

#include "store/live_state.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::store {

struct Exposure {
  std::string message;
  std::string hint;
};

/// `listen`: what was asked for, as in LiveForward::listen. Nothing when the forward listens where it was asked to, or
/// when that is not known.
[[nodiscard]] std::optional<Exposure> exposure_of(std::string_view listen, Bound bound);

}  // namespace holdfast::store
