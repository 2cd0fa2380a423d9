// The ssh options that an agent may set. Pure.
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace holdfast::cli {

/// Refuses a "KEY=VALUE" whose key an agent may not set. A usage error names the key and the allowed ones.
/// No allowed option runs a program, loads a library, reads or writes a file, forwards a credential, or changes which
/// host keys are trusted: an agent that was misled by a hostile text must not get the user's shell.
[[nodiscard]] Result<> check_agents_ssh_option(std::string_view text);

/// The allowed keys, separated by ", ".
[[nodiscard]] const std::string& agents_ssh_options();

}  // namespace holdfast::cli
