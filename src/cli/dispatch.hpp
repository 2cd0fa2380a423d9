// From the words of a command line to an exit status.
#pragma once

#include "cli/output/terminal.hpp"
#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// Runs the command that `words` (without the program's name) ask for, and says what went wrong. Returns the exit
/// status of the process. An exception is a bug; it is caught and named here.
[[nodiscard]] int dispatch(const std::vector<std::string>& words, os::Host& host, Terminal& terminal);

}  // namespace holdfast::cli
