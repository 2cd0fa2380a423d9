#include "os/directories.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast::os {

Result<> claim_private_directory(const boost::filesystem::path& directory, uid_t owner) {
  const auto refuse = [&](std::string cause) {
    return Error{"using directory", directory.string(), std::move(cause), "remove it, or ask its owner to"};
  };
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error("making directory", directory.string(), errno);
  struct stat info {};
  if (::lstat(directory.c_str(), &info) != 0) return errno_error("using directory", directory.string(), errno);
  if (S_ISLNK(info.st_mode)) return refuse("it is a symlink, which another user may have created");
  if (!S_ISDIR(info.st_mode)) return refuse("it is not a directory");
  if (info.st_uid != owner) return refuse("it belongs to uid " + std::to_string(info.st_uid));
  if ((info.st_mode & 077U) != 0 && ::chmod(directory.c_str(), 0700) != 0)
    return errno_error("closing directory", directory.string(), errno);
  return {};
}

}  // namespace holdfast::os
