#include "tunnels/own_directories.hpp"

#include <fmt/format.h>

#include <array>

namespace holdfast::tunnels {

Result<> require_own_directories(const store::Paths& paths, const os::Host& host) {
  if (paths.scope != Scope::user || host.user().uid != 0) return {};
  for (auto directory : std::array{host.user().home, paths.config, paths.state}) {
    // "/.": a home may be a symbolic link of root's to the user's directory.
    while (directory.has_parent_path() && host.status(directory / ".").kind == os::FileKind::missing)
      directory = directory.parent_path();
    const auto owner = host.status(directory / ".").owner;
    if (owner == 0) continue;
    return Error{"changing the tunnels in", directory.string(), fmt::format("it belongs to uid {}, not to root", owner),
                 "leave out sudo, or use --system", ExitStatus::usage};
  }
  return {};
}

}  // namespace holdfast::tunnels
