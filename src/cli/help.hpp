// The texts of the help, made from the table of commands.
#pragma once

#include "cli/command.hpp"

#include <string>

namespace holdfast::cli {

/// What holdfast is and the list of its commands.
[[nodiscard]] std::string overview();

/// One command: how it is called, what it does, every option.
[[nodiscard]] std::string command_help(const Command& command);

/// The overview and then every command's help. The man page is held equal to this.
[[nodiscard]] std::string recursive_help();

/// "-p, --port [BIND:]PORT[:HOST:HOSTPORT]"
[[nodiscard]] std::string option_words(const Option& option);

}  // namespace holdfast::cli
