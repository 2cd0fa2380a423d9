// Which tunnels a command is about: the user's own, or the machine's.
#pragma once

#include "cli/arguments.hpp"
#include "core/result.hpp"
#include "core/tunnel.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::cli {

/// --system or --user; without either the machine's for root and the user's own for everybody else.
[[nodiscard]] Result<Scope> choose_scope(const Arguments& arguments, const os::Host& host);

/// The places of that scope.
[[nodiscard]] Result<store::Paths> choose_paths(const Arguments& arguments, const os::Host& host);

}  // namespace holdfast::cli
