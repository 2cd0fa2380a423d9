// The real machine.
#pragma once

#include "os/host.hpp"

#include <memory>

namespace holdfast::os {

[[nodiscard]] std::unique_ptr<Host> make_posix_host();

}  // namespace holdfast::os
