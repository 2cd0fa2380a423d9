// Which tunnels are meant where nobody says: the user's own, or the machine's.
#pragma once

#include "core/tunnel.hpp"
#include "os/host.hpp"

#include <string>

namespace holdfast::tunnels {

/// The machine's for root, the user's own for everybody else.
[[nodiscard]] Scope usual_scope(const os::Host& host);

/// " --system" or " --user" where a hint has to say it, empty where it goes without saying.
[[nodiscard]] std::string scope_words(Scope scope, const os::Host& host);

}  // namespace holdfast::tunnels
