#include "store/private_file.hpp"

namespace holdfast::store {

std::optional<std::string> read_private_file(const os::Host& host, const os::fs::path& file, std::size_t largest) {
  const os::FileStatus status = host.status(file);
  if (status.kind != os::FileKind::regular || status.owner != host.user().uid || (status.mode & k_others_write) != 0)
    return std::nullopt;
  auto text = host.read_file(file, largest);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

}  // namespace holdfast::store
