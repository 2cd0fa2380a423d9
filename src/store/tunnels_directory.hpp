// The directory of the tunnel files.
#pragma once

#include "core/result.hpp"
#include "os/host.hpp"
#include "store/paths.hpp"

namespace holdfast::store {

/// An Error when the directory of the tunnel files is there and cannot be read: a listing would then say that there are
/// no tunnels.
[[nodiscard]] Result<> check_readable(const os::Host& host, const Paths& paths);

}  // namespace holdfast::store
