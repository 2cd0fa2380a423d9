// A file that need not survive a crash of the machine.
#pragma once

#include "os/host.hpp"

#include <string_view>

namespace holdfast::os {

/// Replaces the file without fsync. Where that fails, on a full disk say, it overwrites the present file.
[[nodiscard]] Result<> write_volatile(const fs::path& path, std::string_view bytes, mode_t mode);

}  // namespace holdfast::os
