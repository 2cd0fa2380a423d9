// `status --watch`: in place on a terminal, a table or a line for each change elsewhere.
#pragma once

#include "cli/command.hpp"

#include <functional>
#include <string>

namespace holdfast::cli {

/// What is watched. A look is cheap (what supervisors say of themselves) or whole (backends and files as well).
struct Watched {
  std::function<Result<>(bool whole)> look;
  std::function<bool()> needs_whole;      ///< a supervisor came or went since the last whole look
  std::function<std::string()> text;      ///< as it is printed
  std::function<std::string()> heading;   ///< one line above it, on a terminal
  std::function<std::string()> identity;  ///< another one each time that something changed
  std::function<ExitStatus()> status;     ///< of the last look
};

/// Looks once a second, and whole every fifteen. Ends with `status` on q, ExitStatus::interrupted on Ctrl-C, and done
/// when nobody reads any more.
[[nodiscard]] Result<ExitStatus> watch(Context& context, const Watched& watched, bool in_place);

}  // namespace holdfast::cli
