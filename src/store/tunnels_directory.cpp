#include "store/tunnels_directory.hpp"

#include <boost/filesystem/directory.hpp>

#include <cerrno>

namespace holdfast::store {
namespace {

Error refuse(const fs::path& directory, std::string cause) {
  return Error{"reading", directory.native(), std::move(cause), "make it a directory that you can read"};
}

}  // namespace

Result<> check_readable(const os::Host& host, const Paths& paths) {
  const auto kind = host.status(paths.tunnels).kind;
  if (kind == os::FileKind::missing) {
    // A directory above it may hide it.
    const auto file = host.read_file(paths.tunnels / ".file");
    if (file || file.error().error_number == ENOENT) return {};
    return refuse(paths.tunnels, file.error().cause);
  }
  boost::system::error_code failed;
  const fs::directory_iterator first(paths.tunnels, failed);
  if (!failed) return {};
  if (failed != boost::system::errc::no_such_file_or_directory)
    return refuse(paths.tunnels, errno_error("reading", {}, failed.value()).cause);
  if (kind == os::FileKind::symlink) return refuse(paths.tunnels, "it is a dangling symbolic link");
  return {};  // removed meanwhile
}

}  // namespace holdfast::store
