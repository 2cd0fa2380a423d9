// The scope of a command that is given neither --user nor --system.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <string>

namespace holdfast::tunnels {

/// System for root, user for everybody else.
[[nodiscard]] Scope usual_scope(const os::Host& host);

/// " --system" or " --user" for a hint; empty where `scope` is the usual one.
[[nodiscard]] std::string scope_words(Scope scope, const os::Host& host);

}  // namespace holdfast::tunnels
