// Small state files of one tunnel that only its user writes. Private to store.
#pragma once

#include "os/host.hpp"

#include <optional>
#include <string>

namespace holdfast::store {

inline constexpr mode_t k_private_mode = 0600;
inline constexpr mode_t k_others_write = 0022;

/// The text of `file`; nothing unless it is a regular file of this process's user that no other user can write to.
[[nodiscard]] std::optional<std::string> read_private_file(const os::Host& host, const os::fs::path& file,
                                                           std::size_t largest);

}  // namespace holdfast::store
