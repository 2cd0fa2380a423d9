// Help texts, made from the table of commands.
#pragma once

#include "cli/command.hpp"

#include <string>

namespace holdfast::cli {

/// The commands in groups, and examples.
[[nodiscard]] std::string overview();

/// One command: usage, description, every option.
[[nodiscard]] std::string command_help(const Command& command);

/// The overview, then the help of every command. tests/unit/man compares the man page with it.
[[nodiscard]] std::string recursive_help();

/// "-p, --port [BIND:]PORT[:HOST:HOSTPORT]"
[[nodiscard]] std::string option_heading(const Option& option);

}  // namespace holdfast::cli
