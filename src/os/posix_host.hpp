// The real machine.
#pragma once

#include "os/host.hpp"

#include <memory>

namespace holdfast::os {

/// `program` is what backends are to start, absolute: Host::self(). Without it our own executable.
[[nodiscard]] std::unique_ptr<Host> make_posix_host(fs::path program = {});

}  // namespace holdfast::os
