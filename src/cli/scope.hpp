// The scope of a command: the user's own tunnels, or the machine's.
#pragma once

#include "cli/arguments.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::cli {

/// --system or --user; by default system for root, user for everybody else.
[[nodiscard]] Result<Scope> choose_scope(const Arguments& arguments, const os::Host& host);

/// The paths of that scope. An Error when one of them does not answer within 2 s.
[[nodiscard]] Result<store::Paths> choose_paths(const Arguments& arguments, const os::Host& host);

/// For a command that only reads: the machine's paths when neither --user nor --system is given, this user has none of
/// the tunnels that the operands or --port name, and the machine has all of them. Else as choose_paths().
[[nodiscard]] Result<store::Paths> choose_paths_to_read(const Arguments& arguments, const os::Host& host);

}  // namespace holdfast::cli
