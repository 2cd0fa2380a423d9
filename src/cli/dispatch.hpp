// Runs a command line.
#pragma once

#include "cli/output/terminal.hpp"
#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// Runs the command line `words` (without the program's name) and prints its error. Returns the exit status. Catches
/// every exception: one is a bug.
[[nodiscard]] int dispatch(const std::vector<std::string>& words, os::Host& host, Terminal& terminal);

}  // namespace holdfast::cli
