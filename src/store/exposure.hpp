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

/// `listen`: the address that the user asked for, as in LiveForward::listen. Empty when the bastion bound that address,
/// or when it is not known what the bastion bound.
[[nodiscard]] std::optional<Exposure> exposure_of(std::string_view listen, Bound bound);

}  // namespace holdfast::store
