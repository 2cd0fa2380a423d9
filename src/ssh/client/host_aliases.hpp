// Host names from a user's ssh configuration, for completion.
#pragma once

#include "os/host.hpp"

#include <string>
#include <vector>

namespace holdfast::ssh {

/// The names on Host lines of `home`/.ssh/config and its includes, sorted, without duplicates. Only names of one host
/// (no
/// `*`, `?`, `!`) that are valid bastions. Skips unreadable files and Match blocks; limits depth, number and size of
/// files.
[[nodiscard]] std::vector<std::string> host_aliases(const os::Host& host, const os::fs::path& home);

}  // namespace holdfast::ssh
