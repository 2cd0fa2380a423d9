// `status --watch`: redrawn in place on a terminal; elsewhere printed after each change.
#pragma once

#include "cli/command.hpp"

#include <functional>
#include <string>

namespace holdfast::cli {

struct Watched {
  std::function<Result<>()> read;            ///< reads everything, backends included: slow
  std::function<void()> refresh;             ///< reads live state only: cheap
  std::function<bool()> is_outdated;         ///< after refresh(): read() would show more
  std::function<std::string()> text;         ///< as printed
  std::function<std::string()> heading;      ///< the line above it, on a terminal
  std::function<std::string()> fingerprint;  ///< differs after each change
  std::function<ExitStatus()> status;        ///< of what was read last
};

/// Refreshes every second, and reads everything every 15 s or when it is outdated. Returns `status` on q,
/// ExitStatus::interrupted on Ctrl-C, and done when the reader has gone.
[[nodiscard]] Result<ExitStatus> watch(Context& context, const Watched& watched, bool in_place);

}  // namespace holdfast::cli
