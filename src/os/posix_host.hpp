// The Host implementation for Linux.
#pragma once

#include "os/host.hpp"

#include <memory>

namespace holdfast::os {

/// `program` is the absolute path that Host::self() returns; when empty, our own executable.
[[nodiscard]] std::unique_ptr<Host> make_posix_host(fs::path program = {});

}  // namespace holdfast::os
