// The last day and the last week of a tunnel, drawn.
#pragma once

#include "store/availability.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// How something may be drawn.
struct Drawing {
  bool colour = false;
  bool utf8 = false;  ///< blocks; letters and signs of ASCII otherwise
};

/// A sign for each slot: full while it was up, lower the longer it was not, another for what nobody saw.
[[nodiscard]] std::string blocks(const store::Availability& all, Drawing drawing);

/// Round trips, each as high as it was long between the shortest and the longest.
[[nodiscard]] std::string sparkline(const store::Availability& all, Drawing drawing);

/// "99.93 %, 1 min down, 20 s in part"; never 100 % when it was not. "nothing is known" of nothing.
[[nodiscard]] std::string availability_words(const store::Availability& all);

/// "3: closed 2, dead-peer 1"; "none".
[[nodiscard]] std::string reconnect_words(const store::Availability& all);

/// What the signs of blocks() mean.
[[nodiscard]] std::string legend(Drawing drawing);

}  // namespace holdfast::cli
